import { AdapterError } from './errors'

/** A definition of input parameters contradicts itself, which is a mistake of the adapter's author (contract 5.2). */
export class InputParametersDefinitionError extends Error {
  override name = 'InputParametersDefinitionError'
}

/**
 * A request does not fit the definition (contract 5.3). Its status is 400. Its name and its label are those of a plain
 * `AdapterError`, because dashboards of the contract's `http_requests_total{type}` expect that.
 */
export class InputValidationError extends AdapterError {
  constructor(message: string) {
    super({ statusCode: 400, message })
  }
}
