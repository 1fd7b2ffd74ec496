import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { createAdapter as createSink } from '../../adapters/push-to-strapi'
import { createAdapter as createReader } from '../../adapters/strapi'
import { serve } from '../../../../src/testing'
import { type StrapiPullTransport } from '../..'
import { type Checks, equal, isTrue } from './checks'
import { PRICE, rowsOf, TOKENS } from './content'
import { Relay } from './relay'
import { type StrapiServer } from './server'

const GUARD_MS = 60_000
const BTC = { base: 'BTC', quote: 'USD' }

/** Another adapter: every pair has the same price, as of now. */
const startSource = async (result: number) => {
  const source = createServer((request, response) => {
    request.resume()
    const timestamps = { providerIndicatedTimeUnixMs: Date.now() }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ result, data: { result }, timestamps }))
  })
  await new Promise<void>((resolve) => source.listen(0, '127.0.0.1', () => resolve()))
  const stop = (): void => {
    source.closeAllConnections()
    source.close()
  }
  return { url: `http://127.0.0.1:${(source.address() as AddressInfo).port}`, stop }
}

const reader = (url: string) =>
  serve(createReader, {
    guardMs: GUARD_MS,
    env: { STRAPI_SERVER_URL: url, STRAPI_SERVER_TOKEN: TOKENS.pull, STRAPI_READ_MODE: 'pull' },
  })

/** The ready adapters, in both directions: what one writes the other reads. */
export const checkServices = async (checks: Checks, server: StrapiServer): Promise<void> => {
  await checks.check(
    'service: a sink writes into Strapi what an adapter answers, and an adapter reads it there',
    async () => {
      const source = await startSource(64321.125)
      try {
        await using sink = await serve(createSink, {
          guardMs: GUARD_MS,
          env: {
            PUSH_TO_STRAPI_SERVER_URL: server.url,
            PUSH_TO_STRAPI_SERVER_TOKEN: TOKENS.push,
            PUSH_TO_STRAPI_VERIFY_TOKEN: TOKENS.pull,
            PUSH_TO_STRAPI_PUSH_MODE: 'replace-matching',
            PUSH_TO_STRAPI_SOURCE_URL: source.url,
            PUSH_TO_STRAPI_FEEDS: 'BTC/USD,SOL/USD',
          },
        })
        const { json } = await sink.until({}, ({ statusCode }) => statusCode === 200)
        equal((json as { result: number }).result, 2, 'the number of rows')
      } finally {
        source.stop()
      }
      const rows = await rowsOf({ adminUrl: server.adminUrl, token: TOKENS.pull })
      const written = rows.filter(({ type, data }) => type === PRICE && data.value === 64321.125)
      equal(written.map(({ data }) => data.base).sort(), ['BTC', 'SOL'])
      await using service = await reader(server.url)
      const { json } = await service.until(BTC, ({ statusCode }) => statusCode === 200)
      equal((json as { result: number }).result, 64321.125, 'the price')
    },
  )

  await checks.check(
    'service: keeps what it has when the server dies in a pull, and reads again when it is back',
    async () => {
      const relay = await new Relay(() => server.url).ready()
      try {
        await using service = await reader(relay.adminUrl.replace('/admin', ''))
        const known = await service.until(BTC, ({ statusCode }) => statusCode === 200)
        const [endpoint] = service.adapter.endpoints
        const transport = endpoint!.transportRoutes.get('pull') as unknown as StrapiPullTransport<never>
        let killed: Promise<void> | undefined
        relay.judge = ({ text }) => {
          if (text.includes('"ended":')) killed ??= server.kill()
          return 'pass'
        }
        transport.pullNow()
        await until(() => stateOf(transport).lastError !== undefined)
        await killed
        equal(stateOf(transport).lastError?.code, 'connection-lost', 'the cause')
        const { json } = await service.post(BTC)
        equal(
          (json as { result: number }).result,
          (known.json as { result: number }).result,
          'the price meanwhile',
        )
        await server.start()
        transport.pullNow()
        await until(
          () => stateOf(transport).lastError === undefined && stateOf(transport).state === 'waiting',
        )
        isTrue((await service.post(BTC)).statusCode === 200, 'there is no price afterwards')
      } finally {
        await relay.stop()
      }
    },
  )
}

interface State {
  state: string
  lastError?: { code: string }
}

const stateOf = (transport: object): State => (transport as { connections: () => State[] }).connections()[0]!

const until = async (isSo: () => boolean): Promise<void> => {
  for (const end = Date.now() + GUARD_MS; !isSo();) {
    if (Date.now() > end) throw new Error('it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
