import { MockedTransport } from './transport'

const lines: unknown[][] = []
const mockLog = (...args: unknown[]) => void lines.push(args)

jest.mock('@chainlink/external-adapter-framework/transports/abstract/subscription', () => ({
  SubscriptionTransport: class {
    isMocked = true
  },
}))

jest.mock('@chainlink/external-adapter-framework/util', () => ({
  makeLogger: () => ({
    info: (...args: unknown[]) => mockLog(...args),
    warn: (...args: unknown[]) => mockLog(...args),
  }),
  sleep: jest.fn().mockResolvedValue(undefined),
}))

const mockIsWeekendNow = jest.fn()
jest.mock('@chainlink/external-adapter-framework/validation/market-status', () => ({
  isWeekendNow: (...args: unknown[]) => mockIsWeekendNow(...args) as boolean,
}))

describe('modules replaced wholesale', () => {
  it('take the place of ours', async () => {
    mockIsWeekendNow.mockReturnValueOnce(true)
    const transport = new MockedTransport()
    expect(transport).toMatchObject({ isMocked: true })
    await transport.backgroundHandler({ pause: 5 })
    expect(lines).toEqual([[{ pause: 5 }, 'handling'], ['weekend']])
    expect(mockIsWeekendNow).toHaveBeenCalledWith('520-020:UTC')
    const { sleep } = await import('@chainlink/external-adapter-framework/util')
    expect(sleep).toHaveBeenCalledWith(5)
  })
})
