import http from 'node:http'
import https from 'node:https'
import { type AxiosRequestConfig, type AxiosStatic } from 'axios'
import { isProxySet, proxyFor } from '../config/outbound-proxy'
import { memberOf } from '../util/objects'
import { connectionMaker } from '../util/tunnel'
import { originOf } from './origins'

/** With one of these an author has chosen the way. */
const WAYS = ['proxy', 'httpsAgent', 'httpAgent', 'transport', 'socketPath'] as const

/**
 * The requests to `https:` hosts that go through a proxy. Axios would ask the proxy for a new connection for each request, and would take the
 * proxy's refusal for the provider's answer. Requests to `http:` hosts are left to it: it sends them to the proxy.
 */
export class ProxiedRequests {
  private agents: { httpsAgent: https.Agent; httpAgent: http.Agent } | undefined

  /** What is to be added to a request: nothing, where it goes directly, or its author has chosen the way. */
  wayOf(config: AxiosRequestConfig, client: AxiosStatic): AxiosRequestConfig {
    if (!isProxySet()) return {}
    const origin = originOf(config)
    const isChosen = [config, memberOf(client, 'defaults')].some((options) =>
      WAYS.some((way) => memberOf(options, way) !== undefined),
    )
    if (isChosen || !origin.startsWith('https:') || proxyFor(origin) === undefined) return {}
    this.agents ??= newAgents()
    return { proxy: false, ...this.agents }
  }

  close(): void {
    this.agents?.httpsAgent.destroy()
    this.agents?.httpAgent.destroy()
  }
}

/** Later versions of Node have agents that look for a proxy themselves. */
const NO_OTHER_WAY = { proxyEnv: undefined }

/** As Node's own agents are, with the authorities that they trust; for `http:` as well, because a redirect may lead there. */
const newAgents = () => ({
  httpsAgent: Object.assign(new https.Agent({ ...https.globalAgent.options, ...NO_OTHER_WAY }), {
    createConnection: connectionMaker(() => true, proxyFor),
  }),
  httpAgent: Object.assign(
    new http.Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5_000, ...NO_OTHER_WAY }),
    {
      createConnection: connectionMaker(() => false, proxyFor),
    },
  ),
})

/** Where the connections are that are kept for requests to a host: an `http:` host's are its proxy's. */
export const keptAt = (origin: string): string =>
  (origin.startsWith('http:') ? proxyFor(origin) : undefined) ?? origin
