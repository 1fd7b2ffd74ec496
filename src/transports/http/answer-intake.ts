import { unholdable } from '../../feeds/answerable'
import { ResponseCache } from '../../feeds/response-cache'
import { type ProviderResult, type TimestampedProviderResult } from '../../feeds/responses'
import { type RequestTimestamps } from '../../outbound-http/provider-error'
import { type Instant, instant } from '../../util/clock'
import { type ResponseTimestamps } from '../../validation/timestamps'
import { type Cause, isResult, ResultIntake } from '../result-intake'
import { type HttpTransportGenerics } from './config'

/** The intake of answers to requests. The caller waits until all results are written. */
export class AnswerIntake<T extends HttpTransportGenerics> extends ResultIntake<T> {
  /** @throws Error when `results` is not a list; also whatever a cache that is not a {@link ResponseCache} throws */
  async accept(results: ProviderResult<T>[] | undefined, times: RequestTimestamps): Promise<void> {
    const whole = this.wholeOf(results, 'parseResponse', isResult)
    if (!Array.isArray(results ?? [])) throw new Error('parseResponse returned something that is no list')
    if (whole.length > 0)
      await this.write(
        whole.map((result) => stamped(result, times)),
        instant(),
      )
  }

  async writeError(
    params: ProviderResult<T>['params'][],
    error: { statusCode: number; errorMessage: string; timestamps: ResponseTimestamps },
    why: Cause,
  ): Promise<void> {
    const { statusCode, errorMessage, timestamps } = error
    await this.writeErrors(params, { ...this.errorOf(statusCode, errorMessage, why), timestamps }, instant())
  }

  protected writeFailed(
    results: TimestampedProviderResult<T>[],
    error: unknown,
    at: Instant,
  ): void | Promise<void> {
    if (!(this.host.responseCache instanceof ResponseCache)) throw error
    return this.isolate(results, error, at)
  }
}

/** Stamps a copy, because an author may keep the returned object and return it again. */
const stamped = <T extends HttpTransportGenerics>(
  { params, response }: ProviderResult<T>,
  times: RequestTimestamps,
): TimestampedProviderResult<T> => {
  try {
    const given = (response as { timestamps?: { providerIndicatedTimeUnixMs?: number } }).timestamps
    const timestamps = { ...times, providerIndicatedTimeUnixMs: given?.providerIndicatedTimeUnixMs }
    return { params, response: { ...response, timestamps } }
  } catch {
    // IS-1: a result with a getter that throws fails alone.
    return { params, response: unholdable({ timestamps: times }) }
  }
}
