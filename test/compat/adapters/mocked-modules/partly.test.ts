import { makeLogger } from '@chainlink/external-adapter-framework/util'
import { TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'
import { Adapter, AdapterEndpoint } from '@chainlink/external-adapter-framework/adapter'
import { NopTransport } from '@chainlink/external-adapter-framework/util/testing-utils'

jest.mock('@chainlink/external-adapter-framework/util', () => ({
  ...jest.requireActual<object>('@chainlink/external-adapter-framework/util'),
  makeLogger: () => ({ info: jest.fn(), debug: jest.fn() }),
}))

class Answering extends NopTransport {
  async foregroundExecute() {
    return {
      result: null,
      data: null,
      statusCode: 200,
      timestamps: {
        providerDataRequestedUnixMs: 1,
        providerDataReceivedUnixMs: 2,
        providerIndicatedTimeUnixMs: undefined,
      },
    }
  }
}

describe('a module replaced in part', () => {
  it('does not take the logger from the inside of the framework', async () => {
    expect(Object.keys(makeLogger('x'))).toEqual(['info', 'debug'])
    const adapter = new Adapter({
      name: 'PARTLY',
      defaultEndpoint: 'nop',
      endpoints: [new AdapterEndpoint({ name: 'nop', transport: new Answering() })],
    })
    const testAdapter = await TestAdapter.start(adapter, { testAdapter: {} as TestAdapter })
    expect(testAdapter.mockCache).toBeUndefined()
    const response = await testAdapter.request()
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result: null, data: null })
    expect((await testAdapter.request({ endpoint: 'none' })).statusCode).toBe(404)
    await testAdapter.api.close()
  })
})
