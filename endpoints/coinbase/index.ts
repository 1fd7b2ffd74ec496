import { PriceAdapter } from '../../src/public/adapter'
import { config } from './config'
import { createPriceEndpoint } from './price'

/** A new Coinbase adapter with its own connection. One per process: settings are read anew each time. */
export const createAdapter = () =>
  new PriceAdapter({
    name: 'COINBASE',
    defaultEndpoint: 'price',
    config,
    endpoints: [createPriceEndpoint()],
  })

export const adapter = createAdapter()
