import { Adapter } from '../../../../src/public/adapter'
import { config } from './config'
import { createPriceEndpoint, createPriceTransport } from './price'
import { createPushEndpoint } from './push'

/** A new sink. One per process: settings are read anew each time. */
export const createAdapter = () => {
  const prices = createPriceTransport()
  return new Adapter({
    name: 'PUSH_TO_STRAPI',
    defaultEndpoint: 'push',
    config,
    // The source is an adapter of our own.
    rateLimiting: { tiers: { default: { rateLimit1s: 50 } } },
    endpoints: [createPriceEndpoint(prices), createPushEndpoint(prices)],
  })
}

export const adapter = createAdapter()
