import { AdapterError } from './errors'

/** A definition of input parameters that contradicts itself: a mistake of the adapter's author (contract 5.2). */
export class InputParametersDefinitionError extends Error {
  override name = 'InputParametersDefinitionError'
}

/**
 * A request that does not fit the definition (contract 5.3): status 400, and named and counted as a plain
 * `AdapterError`, which is what dashboards of the contract's `http_requests_total{type}` know it as.
 */
export class InputValidationError extends AdapterError {
  constructor(message: string) {
    super({ statusCode: 400, message })
  }
}
