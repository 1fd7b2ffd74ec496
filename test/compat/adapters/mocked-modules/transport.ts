import { SubscriptionTransport } from '@chainlink/external-adapter-framework/transports/abstract/subscription'
import { makeLogger, sleep } from '@chainlink/external-adapter-framework/util'
import { isWeekendNow } from '@chainlink/external-adapter-framework/validation/market-status'

const logger = makeLogger('Mocked')

export class MockedTransport extends SubscriptionTransport<never> {
  async backgroundHandler(context: unknown): Promise<void> {
    const { pause } = context as { pause: number }
    logger.info({ pause }, 'handling')
    if (isWeekendNow('520-020:UTC')) logger.warn('weekend')
    await sleep(pause)
  }

  getSubscriptionTtlFromConfig(): number {
    return 1
  }
}
