import { PriceAdapter } from '../../../../src/public/adapter'
import { config } from './config'
import { createPriceEndpoint } from './price'

/** A new adapter for the prices of a room. One per process and key: settings are read anew each time. */
export const createAdapter = () =>
  new PriceAdapter({
    name: 'WS_ROOM',
    defaultEndpoint: 'price',
    config,
    endpoints: [createPriceEndpoint()],
  })

export const adapter = createAdapter()
