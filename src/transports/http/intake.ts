import { ResponseCache } from '../../feeds/response-cache'
import { type ProviderResult, type TimestampedProviderResult } from '../../feeds/responses'
import { type ResponseTimestamps } from '../../validation/timestamps'
import { type RequestTimestamps } from '../../outbound-http/provider-error'
import { type HttpTransportGenerics } from './config'

interface IntakeHost<T extends HttpTransportGenerics> {
  readonly name: string
  readonly responseCache: ResponseCache<T>
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isWhole = (result: { params?: unknown; response?: unknown } | null | undefined): boolean =>
  isObject(result) && isObject(result.params) && isObject(result.response)

/**
 * From what an author makes of a provider's answer to the cache: check, stamp, write. Each result stands alone (IS-1): a bad one is
 * counted, where the cache is ours, and costs nobody else anything.
 */
export class Intake<T extends HttpTransportGenerics> {
  constructor(private readonly host: IntakeHost<T>) {}

  /** @throws Error when `results` is not a list; what the cache throws */
  async accept(results: ProviderResult<T>[] | undefined, times: RequestTimestamps): Promise<void> {
    if ((results as unknown) instanceof Promise) {
      ;(results as unknown as Promise<unknown>).catch(() => {})
      throw new Error('parseResponse returned a promise; it must return its results')
    }
    if (results === undefined || results === null) return
    if (!Array.isArray(results)) throw new Error('parseResponse returned something that is no list')
    const whole: TimestampedProviderResult<T>[] = []
    for (const result of results) {
      if (isWhole(result)) whole.push(this.stamp(result, times))
      else this.refuse(() => 'a result without params or response')
    }
    if (whole.length > 0) await this.write(whole)
  }

  /** The same error for all of these feeds. */
  async writeError(
    params: ProviderResult<T>['params'][],
    error: { statusCode: number; errorMessage: string; timestamps: ResponseTimestamps },
  ): Promise<void> {
    const whole = params.filter(isObject)
    if (whole.length > 0) await this.write(whole.map((one) => ({ params: one, response: { ...error } })))
  }

  private stamp({ params, response }: ProviderResult<T>, times: RequestTimestamps) {
    const given = (response as { timestamps?: { providerIndicatedTimeUnixMs?: number } }).timestamps
    const timestamps = { ...times, providerIndicatedTimeUnixMs: given?.providerIndicatedTimeUnixMs }
    return { params, response: { ...response, timestamps } } as TimestampedProviderResult<T>
  }

  private async write(results: TimestampedProviderResult<T>[]): Promise<void> {
    const { responseCache, name } = this.host
    try {
      await responseCache.write(name, results)
    } catch (error) {
      if (!(responseCache instanceof ResponseCache)) throw error
      if (results.length === 1) this.refuse(() => 'a result that cannot be written', error)
      // Which one it was, the rest shall not suffer for.
      else for (const result of results) await this.write([result])
    }
  }

  private refuse(detail: () => unknown, error?: unknown): void {
    const { responseCache, name } = this.host
    if (responseCache instanceof ResponseCache)
      responseCache.refusalsOf(name).add('handler-failed', detail, error)
  }
}
