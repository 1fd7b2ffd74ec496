import {
  isWeekendNow,
  parseWeekendString,
} from '@chainlink/external-adapter-framework/validation/market-status'
import { setEnvVariables, TestAdapter } from '@chainlink/external-adapter-framework/util/testing-utils'

const allButDate: FakeTimersConfig['doNotFake'] = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
]

describe('market status by a fixed clock', () => {
  let testAdapter: TestAdapter
  let oldEnv: NodeJS.ProcessEnv

  const at = (time: string) => {
    jest.useFakeTimers({ now: new Date(time), doNotFake: allButDate })
    testAdapter.mockCache!.cache.clear()
  }

  beforeAll(async () => {
    oldEnv = JSON.parse(JSON.stringify(process.env))
    process.env.OPEN_HOUR = '10'
    testAdapter = await TestAdapter.startWithMockedCache((await import('./adapter')).adapter, {
      testAdapter: {} as TestAdapter<never>,
    })
  })

  afterEach(() => {
    jest.useRealTimers()
  })

  afterAll(async () => {
    setEnvVariables(oldEnv)
    await testAdapter.api.close()
  })

  it.each([
    ['2024-02-07T12:00:00Z', 2, 'OPEN'],
    ['2024-02-07T09:59:59Z', 1, 'CLOSED'],
  ])('is at %s %d', async (time, result, statusString) => {
    at(time)
    const response = await testAdapter.request({ market: 'NYSE' })
    expect(response.statusCode).toBe(200)
    expect(response.json()).toMatchObject({ result, data: { result, statusString } })
  })

  it.each([
    ['2024-02-07T12:00:00Z', 2],
    ['2024-02-07T22:00:00Z', 4],
    ['2024-02-10T12:00:00Z', 5],
    ['2024-02-12T00:30:00Z', 5],
    ['2024-02-12T01:30:00Z', 4],
  ])('is round the clock at %s %d', async (time, result) => {
    at(time)
    const response = await testAdapter.request({
      market: 'NYSE',
      type: '24/5',
      weekend: '520-020:America/New_York',
    })
    expect(response.statusCode).toBe(200)
    expect(response.json().result).toBe(result)
    expect(response.json()).toMatchSnapshot()
  })

  it.each([
    [{ type: '24/5' }],
    [{ type: '24/5', weekend: '5-0:UTC' }],
    [{ type: '24/5', weekend: '724-020:UTC' }],
    [{ weekend: '520-020:UTC' }],
    [{ type: '24/7' }],
    [{ force245MarketStatus: 'yes' }],
  ])('refuses %j', async (data) => {
    const response = await testAdapter.request({ market: 'NYSE', ...data })
    expect(response.statusCode).toBe(400)
    expect(response.json()).toMatchSnapshot()
  })

  it('refuses a zone that does not exist', async () => {
    const response = await testAdapter.request({ market: 'X', type: '24/5', weekend: '520-020:Mars/Phobos' })
    expect(response.statusCode).toBe(400)
    expect(response.json().error.message).toMatch(
      /^timezone Mars\/Phobos in \[Param: weekend\] is not valid: /,
    )
  })

  it('has its rules as functions', () => {
    expect(parseWeekendString('520-020:America/New_York')).toEqual({
      start: '520',
      end: '020',
      tz: 'America/New_York',
    })
    at('2024-02-09T19:59:59Z')
    expect(isWeekendNow('520-020:UTC')).toBe(false)
    at('2024-02-09T20:00:00Z')
    expect(isWeekendNow('520-020:UTC')).toBe(true)
    at('2024-02-11T20:00:00Z')
    expect(isWeekendNow('520-020:UTC')).toBe(false)
  })
})
