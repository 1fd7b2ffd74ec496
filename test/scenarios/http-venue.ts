import { type AxiosAdapter, AxiosError, AxiosHeaders, type InternalAxiosRequestConfig } from 'axios'
import { axios } from '../helpers/axios'
import { type Model } from './model'
import { type Time } from './time'

const TRANSIT_MS = 20

/** How a request is refused. */
export interface Refusal {
  status: number
  retryAfter?: string
}

interface HttpVenueOptions {
  /** The name of the feed in the model, for a symbol. Default: the symbol. */
  feedOf?: (symbol: string) => string
}

/** A provider over HTTP in virtual time, which keeps when it was asked. {@link HttpVenue.stop} gives axios its own way back. */
export class HttpVenue {
  readonly url: string
  /** When each request came, by the true time since the beginning, and for which symbol. */
  readonly asked: { atMs: number; symbol: string }[] = []
  /** Says no, or nothing at all. */
  refuses: (symbol: string) => Refusal | 'no answer' | undefined = () => undefined
  private serial = 0
  private readonly former = axios.defaults.adapter

  constructor(
    name: string,
    private readonly time: Time,
    private readonly model: Model,
    private readonly of: HttpVenueOptions = {},
  ) {
    this.url = `http://${name}`
    const own: AxiosAdapter = (config) => this.answer(config)
    axios.defaults.adapter = own
  }

  stop(): void {
    if (this.former !== undefined) axios.defaults.adapter = this.former
  }

  private async answer(config: InternalAxiosRequestConfig) {
    const { symbol } = config.params as { symbol: string }
    await this.transit(config)
    this.asked.push({ atMs: this.time.elapsedMs, symbol })
    const refusal = this.refuses(symbol)
    if (refusal === 'no answer') await this.transit(config, 3_600_000)
    const said = { s: symbol, p: 1 + ++this.serial / 1e6, t: this.time.trueMs }
    await this.transit(config)
    if (typeof refusal === 'object') throw failure(config, refusal)
    this.model.sent(this.of.feedOf?.(symbol) ?? symbol, said.p, said.t)
    return { data: said, status: 200, statusText: 'OK', headers: {}, config }
  }

  /** Ends early when the request is given up. */
  private transit({ signal }: InternalAxiosRequestConfig, ms = TRANSIT_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        reject(new AxiosError('given up', AxiosError.ERR_CANCELED))
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener?.('abort', leave)
        resolve()
      }, ms)
      signal?.addEventListener?.('abort', leave)
    })
  }
}

const failure = (config: InternalAxiosRequestConfig, { status, retryAfter }: Refusal): AxiosError => {
  const headers = new AxiosHeaders(retryAfter === undefined ? {} : { 'retry-after': retryAfter })
  return new AxiosError(
    `Request failed with status code ${status}`,
    AxiosError.ERR_BAD_REQUEST,
    config,
    {},
    {
      data: {},
      status,
      statusText: 'Refused',
      headers,
      config,
    },
  )
}

/** The most requests that are in one window, wherever that begins. They are in their order. */
export const mostIn = (log: readonly { atMs: number }[], perMs: number): number => {
  let [most, from] = [0, 0]
  log.forEach(({ atMs }, to) => {
    while (log[from]!.atMs <= atMs - perMs) from++
    most = Math.max(most, to - from + 1)
  })
  return most
}
