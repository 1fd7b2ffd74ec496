import { PriceAdapter } from '../../../../src/public/adapter'
import { config } from './config'
import { createPriceEndpoint } from './price'

/** A new Strapi adapter. One per process: settings are read anew each time. */
export const createAdapter = () =>
  new PriceAdapter({
    name: 'STRAPI',
    defaultEndpoint: 'price',
    config,
    endpoints: [createPriceEndpoint()],
    // For READ_MODE=rest: a request for all wanted prices every five seconds at most.
    rateLimiting: { tiers: { default: { rateLimit1m: 12 } } },
  })

export const adapter = createAdapter()
