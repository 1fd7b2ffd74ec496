import http from 'node:http'
import https from 'node:https'
import { type AxiosRequestConfig, type AxiosResponse, type AxiosStatic } from 'axios'
import { unlessAborted } from '../util/unless-aborted'
import { type ColdStart } from './cold-start'
import { Deadline } from './deadline'
import { keptAt, ProxiedRequests } from './proxied'
import { type RateLimiter } from './rate-limiter'
import { type RedirectOptions } from '../util/redirects'
import { withSafeRedirects } from './redirects'

/** No answer that an adapter could use is longer; authors may set `maxContentLength` themselves. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024

type Limiter = RateLimiter & { hold?: (cost: number | undefined) => () => void }

/** Sends requests that were admitted, by axios, which adapters and their tests know (contract 1.1). */
export class Sender {
  private client: AxiosStatic | undefined
  private readonly proxied = new ProxiedRequests()

  /** @param isBounded - whether what goes beyond axios holds: a deadline for all of a request, credits that wait for a cold start */
  constructor(
    private readonly limiter: Limiter,
    private readonly isBounded: boolean,
  ) {}

  /** Loads axios, which takes a fifth of the start: before the first request is admitted, which counts as sent from then on. */
  load(): AxiosStatic {
    // Not by `import()`: that fails under jest, and would load another copy than the one that adapters' tests mock.
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
    return (this.client ??= (require('axios') as { default: AxiosStatic }).default)
  }

  /**
   * Closes the connections to these hosts that are kept for further requests. They are those of Node's own agents, so another adapter of this
   * process that asks the same host makes a new one.
   */
  close(origins: readonly string[]): void {
    this.proxied.close()
    for (const origin of origins.map(keptAt).filter((one) => URL.canParse(one))) {
      const { protocol, hostname, port } = new URL(origin)
      const isTls = protocol === 'https:'
      const host = `${hostname.replace(/^\[|\]$/g, '')}:${port || (isTls ? 443 : 80)}:`
      const { freeSockets } = isTls ? https.globalAgent : http.globalAgent
      for (const [name, sockets = []] of Object.entries(freeSockets))
        if (name.startsWith(host)) for (const socket of [...sockets]) socket.destroy()
    }
  }

  /**
   * The `timeout` of a request is for all of it, while axios's own is for a time in which nothing arrives.
   *
   * @throws what axios throws, and the reason of `stopping` when that aborts
   */
  async send(
    config: AxiosRequestConfig & RedirectOptions,
    cost: number | undefined,
    stopping: AbortSignal,
    start: ColdStart,
  ): Promise<AxiosResponse<unknown>> {
    const deadline = new Deadline(this.isBounded ? config.timeout : undefined, stopping, config.signal)
    if (this.isBounded && this.limiter.hold !== undefined) start.sent(() => this.limiter.hold!(cost))
    try {
      const client = this.load()
      const sent = {
        maxContentLength: MAX_RESPONSE_BYTES,
        ...config,
        ...withSafeRedirects(config),
        ...this.proxied.wayOf(config, client),
        signal: deadline.signal,
      }
      const answer = await unlessAborted(client.request<unknown>(sent), deadline.signal)
      deadline.check()
      return answer
    } finally {
      start.reached()
      deadline.clear()
    }
  }
}
