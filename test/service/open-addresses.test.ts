import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { selfSigned } from '../http/certificate'
import { endAll, freePort, launch, PATIENCE_MS, type ServiceProcess } from './service-process'

afterEach(endAll)

const EXPOSED = join('test', 'service', 'exposed-adapter.ts')
const NOWHERE = 'ws://127.0.0.1:9'
const OPERATORS = { ADMIN_PORT: '0', ADMIN_TOKEN: 'a-token-of-operators' }

const openOf = async (process: ServiceProcess) => {
  const { level, msg, open } = await process.line((line) => line.msg.startsWith('Open addresses'))
  expect(level).toBe('info')
  return { msg, open }
}

const WAYS: [string, string | undefined, Record<string, string>][] = [
  ['an exposed adapter', EXPOSED, { OWN_WS_API_ENDPOINT: NOWHERE }],
  ['the service', undefined, { ADAPTERS: 'coinbase' }],
  ['the service with workers', undefined, { ADAPTERS: 'coinbase', WORKERS: '2' }],
]

describe.each(WAYS)('at its start %s', (_name, file, variables) => {
  const start = (more: Record<string, string>) => launch({ ...variables, ...more }, file)

  it(
    'names the addresses that are open, for what, and who is let in',
    async () => {
      const metricsPort = await freePort()
      const metrics = { METRICS_ENABLED: 'true', METRICS_PORT: metricsPort, OWN_METRICS_PORT: metricsPort }
      const { msg, open } = await openOf(start({ ...metrics, ...OPERATORS }))
      const address = expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/) as string
      expect(open).toEqual([
        { for: 'requests', address, authentication: 'none' },
        { for: 'metrics', address: `127.0.0.1:${metricsPort}`, authentication: 'none' },
        { for: 'operators', address, authentication: 'ADMIN_TOKEN' },
      ])
      expect(msg).toMatch(
        /^Open addresses: requests on 127\.0\.0\.1:\d+, without authentication; metrics on .*, without authentication; operators on .*, with ADMIN_TOKEN$/,
      )
    },
    PATIENCE_MS,
  )

  it(
    'names those of all networks as they are, and certificates that are asked for',
    async () => {
      const { key, cert } = selfSigned()
      const tls = { MTLS_ENABLED: 'true', TLS_PRIVATE_KEY: key, TLS_PUBLIC_KEY: cert, TLS_CA: cert }
      const { msg, open } = await openOf(start({ EA_HOST: '::', ...OPERATORS, ...tls }))
      const address = expect.stringMatching(/^\[::\]:[1-9]\d*$/) as string
      expect(open).toEqual([
        { for: 'requests', address, authentication: 'a client certificate' },
        { for: 'operators', address, authentication: 'a client certificate and ADMIN_TOKEN' },
      ])
      expect(msg).toMatch(
        /requests on \[::\]:\d+ \(all addresses of this machine\), with a client certificate; operators on .* \(all addresses of this machine\), with/,
      )
    },
    PATIENCE_MS,
  )
})

describe('at its start an adapter of peers', () => {
  it.each<[string, Record<string, string>, string]>([
    ['tremor', { ADAPTERS: 'tremor', TREMOR_LISTEN: '127.0.0.1:0' }, 'none'],
    [
      'tremor with peers',
      {
        ADAPTERS: 'tremor',
        TREMOR_LISTEN: '127.0.0.1:0',
        TREMOR_PEERS: '[{"name":"desk","rank":1,"token":"a-token-of-the-desk"}]',
      },
      'peers show a token or a certificate',
    ],
    [
      'versia with a token',
      {
        ADAPTERS: 'versia',
        VERSIA_LISTEN_PORT: '0',
        VERSIA_LISTEN_TOKEN: 'a-token-of-sources',
        VERSIA_PRICE_TYPE: 'org.example:price_feeds/Price',
        VERSIA_SIGNERS: 'feeds.example=MCowBQYDK2VwAyEAiJkEM7ys1Gt8Z8JM1Ig1ceYOjlJYnrwCbHyvn0Xj+x0=',
      },
      'messages are signed, peers show a token',
    ],
  ])(
    'names where it listens, and who is let in: %s',
    async (_name, variables, authentication) => {
      const line = await launch(variables).line(({ msg }) => msg === 'Listening for peers')
      expect(line).toMatchObject({ level: 'info', host: '127.0.0.1', authentication })
      expect(line['port']).toBeGreaterThan(0)
    },
    PATIENCE_MS,
  )
})
