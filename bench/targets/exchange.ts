/** The package's own simulated exchange, for scenarios that run the service with one of its ready-made adapters. */
import path from 'node:path'
import type { simulatedExchange as simulatedExchangeFunction } from '../../src/testing'
import { reportListening } from './control'

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the built package, wherever the build left it
const { simulatedExchange } = require(path.join(__dirname, '../../../package/testing')) as {
  simulatedExchange: typeof simulatedExchangeFunction
}

void simulatedExchange().then(({ url }) => reportListening(Number(new URL(url).port)))
