import { type SingleNumberResultResponse, type TimestampedProviderResult } from '../feeds/responses'
import { refusedResult } from '../feeds/result-validation'
import { type TransportGenerics } from '../transports/transport'
import { AdapterEndpoint } from './adapter-endpoint'
import { type AdapterEndpointParams } from './params'

/** One number, whatever the parameters. */
export type NumericResultEndpointGenerics = TransportGenerics & {
  Response: SingleNumberResultResponse
}

/**
 * An endpoint whose result is a number, and is held to it: what is not finite, or zero where that is no value, is written as an error with
 * status 502 (contract 18.3), which never replaces a live value.
 */
export class NumericResultEndpoint<T extends NumericResultEndpointGenerics> extends AdapterEndpoint<T> {
  /** Whether zero is a value. Default true. */
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
