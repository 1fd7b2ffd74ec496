import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Adapter } from '../../../src/adapter/adapter'
import { AdapterEndpoint } from '../../../src/adapter/adapter-endpoint'
import { type AdapterParams } from '../../../src/adapter/params'
import { type SingleNumberResultResponse } from '../../../src/feeds/responses'
import { type BaseAdapterSettings, type SettingsDefinitionMap } from '../../../src/config/settings'
import { HttpTransport, type HttpTransportConfig } from '../../../src/public/transports/http'
import { InputParameters } from '../../../src/validation/input-parameters'

/** What the provider answers with; undefined never answers. */
export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: unknown
  /** These bytes in place of a body. */
  raw?: Buffer
  /** Cuts the connection instead. */
  destroy?: boolean
}

export interface Asked {
  path: string
  method: string
  headers: IncomingMessage['headers']
  atMs: number
}

export interface HttpProvider extends AsyncDisposable {
  url: string
  /** Everything that was asked, in order. */
  asked: Asked[]
  /** How many connections were cut by the other side before they were answered. */
  aborted: number
  answer: (path: string, n: number) => Answer | undefined | Promise<Answer | undefined>
  /** Resolves when so many requests have come. */
  seen: (count: number) => Promise<void>
  /** Ends connections without a request on them; resolves when every one that there ever was has ended. */
  gone: () => Promise<void>
}

/** A provider on loopback that keeps a log. */
export const httpProvider = async (answer: HttpProvider['answer']): Promise<HttpProvider> => {
  const watchers: { count: number; resolve: () => void }[] = []
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const path = req.url ?? ''
    provider.asked.push({ path, method: req.method ?? '', headers: req.headers, atMs: performance.now() })
    res.once('close', () => {
      if (!res.writableFinished) provider.aborted += 1
    })
    for (const { count, resolve } of watchers) if (provider.asked.length >= count) resolve()
    const reply = await provider.answer(path, provider.asked.length)
    if (reply === undefined) return
    if (reply.destroy) return void req.socket.destroy()
    const { status = 200, headers, body, raw } = reply
    res.writeHead(status, { 'content-type': 'application/json', ...headers })
    res.end(raw ?? JSON.stringify(body ?? {}))
  }
  const server = createServer((req, res) => void handle(req, res))
  // Nothing is ended by the time that passes.
  server.keepAliveTimeout = 0
  const ends: Promise<unknown>[] = []
  server.on('connection', (socket) => ends.push(new Promise((resolve) => socket.once('close', resolve))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const provider: HttpProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    aborted: 0,
    answer,
    seen: (count) =>
      new Promise((resolve) => {
        if (provider.asked.length >= count) resolve()
        else watchers.push({ count, resolve })
      }),
    gone: async () => {
      server.closeIdleConnections()
      await Promise.all(ends)
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return provider
}

export const inputParameters = new InputParameters({
  base: { description: 'Base', type: 'string', required: true },
})

export type Feed = typeof inputParameters.validated

export type Types = {
  Parameters: typeof inputParameters.definition
  Response: SingleNumberResultResponse
  Settings: BaseAdapterSettings
  Provider: { RequestBody: never; ResponseBody: Record<string, number> }
}

/** One request for each feed: `GET /<base>`, answered `{ price }`. */
export const oneByOne = (url: string): HttpTransportConfig<Types> => ({
  prepareRequests: (params) =>
    params.map((feed) => ({ params: [feed], request: { baseURL: url, url: `/${feed.base}` } })),
  parseResponse: (params, { data }) => {
    const result = data['price'] as number
    return params.map((feed) => ({ params: feed, response: { result, data: { result } } }))
  },
})

/** One request for all feeds: `GET /batch?bases=A,B`, answered `{ A: 1, B: 2 }`. */
export const inBatches = (url: string): HttpTransportConfig<Types> => ({
  prepareRequests: (params) => ({
    params,
    request: { baseURL: url, url: '/batch', params: { bases: params.map(({ base }) => base).join(',') } },
  }),
  parseResponse: (_params, { data }) =>
    Object.entries(data).map(([base, result]) => ({
      params: { base },
      response: { result, data: { result } },
    })),
})

export const httpAdapter = (
  config: HttpTransportConfig<Types>,
  params: Partial<AdapterParams<SettingsDefinitionMap>> = {},
) => {
  const transport = new HttpTransport<Types>(config)
  const endpoint = new AdapterEndpoint<Types>({ name: 'price', transport, inputParameters })
  return new Adapter({
    name: 'TEST',
    defaultEndpoint: 'price',
    ...params,
    endpoints: [endpoint, ...(params.endpoints ?? [])],
  })
}
