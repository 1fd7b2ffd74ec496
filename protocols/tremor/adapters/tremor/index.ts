import { PriceAdapter } from '../../../../src/public/adapter'
import { config } from './config'
import { createPriceEndpoint } from './price'

/** A new adapter with its own connector. One per process: settings are read anew each time. */
export const createAdapter = () =>
  new PriceAdapter({
    name: 'TREMOR',
    defaultEndpoint: 'price',
    config,
    endpoints: [createPriceEndpoint()],
  })

export const adapter = createAdapter()
