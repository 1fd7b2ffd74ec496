import { type SingleNumberResultResponse, type TimestampedProviderResult } from '../feeds/responses'
import { refusedResult } from '../feeds/result-validation'
import { type TransportGenerics } from '../transports/transport'
import { AdapterEndpoint } from './adapter-endpoint'
import { type AdapterEndpointParams } from './params'

/** A response of one number, with any parameters. */
export type NumericResultEndpointGenerics = TransportGenerics & {
  Response: SingleNumberResultResponse
}

/**
 * An endpoint whose result must be a number. A result that is not finite, or is zero where zero is not a value, is written as an error with
 * status 502 (contract 18.3), which never replaces a live value.
 */
export class NumericResultEndpoint<T extends NumericResultEndpointGenerics> extends AdapterEndpoint<T> {
  /** Whether zero is a valid result. Default true. */
  acceptZeroValue: boolean

  constructor(params: AdapterEndpointParams<T> & { acceptZeroValue?: boolean }) {
    super(params)
    this.acceptZeroValue = params.acceptZeroValue ?? true
  }

  protected override resultValidator(result: TimestampedProviderResult<T>): TimestampedProviderResult<T> {
    const { response } = result
    if (response.errorMessage !== undefined) return result
    const value: unknown = response.result
    const isValid = Number.isFinite(value) && (this.acceptZeroValue || value !== 0)
    return isValid ? result : refusedResult(result, `Invalid numeric result: ${String(value)}`)
  }
}
