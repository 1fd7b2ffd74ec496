import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { serverKey, transferUrl } from '../admin-url'
import { TransferError } from '../errors'
import { TransferSession } from '../session'
import { errorFromRefusal } from '../upgrade-refusal'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'

interface Handshake {
  server: string
  case: string
  status: number
  body?: string
}

const handshakes = readFileSync(join(__dirname, './fixtures/http-handshake.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Handshake)

const REASONS: Record<number, string> = {
  400: 'upgrade-not-allowed',
  401: 'token-refused',
  403: 'token-not-permitted',
  404: 'transfer-not-found',
  405: 'upgrade-not-allowed',
  500: 'server-error',
}

/** Answers every upgrade with the recorded refusal. */
const refusing = async ({ status, body = '' }: Pick<Handshake, 'status' | 'body'>) => {
  const server: Server = createServer()
  server.on('upgrade', (_request, socket) => {
    socket.end(
      `HTTP/1.1 ${status} Refused\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    adminUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/admin`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))

describe('a refused upgrade', () => {
  const refused = handshakes.filter(({ status }) => status !== 101)

  it('is 25 of the 32 recorded handshakes', () => {
    expect([refused.length, handshakes.length]).toEqual([25, 32])
  })

  it.each(refused.map((handshake) => [`${handshake.server}: ${handshake.case}`, handshake] as const))(
    'has a name and a cause (%s)',
    async (_title, handshake) => {
      await using server = await refusing(handshake)
      const token = 'the-secret-token-of-this-test'
      const opening = TransferSession.open(
        'pull',
        { adminUrl: server.adminUrl, token },
        new AbortController().signal,
      )
      const error = await opening.catch((reason: unknown) => reason as TransferError)
      expect(error).toBeInstanceOf(TransferError)
      const { reason, kind, message } = error as TransferError
      expect(reason).toBe(handshake.case === 'expired-token' ? 'token-expired' : REASONS[handshake.status])
      expect(kind).toBe(handshake.status >= 500 ? 'transport' : 'configuration')
      expect(message).toContain(String(handshake.status))
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + (error as Error).stack).not.toContain(
        token,
      )
    },
  )

  it('names all three causes of 404', () => {
    const { message } = errorFromRefusal(404, '')
    for (const cause of ['admin URL', 'switched off', 'upgrade header']) expect(message).toContain(cause)
  })

  it.each(['', 'x'.repeat(70_000), '[', 'null', '{"error":7}', '{"error":{"message":{}}}'])(
    'does not mind a body that is none of Strapi',
    (body) => {
      expect(errorFromRefusal(401, body).reason).toBe('token-refused')
      expect(errorFromRefusal(418, body).kind).toBe('configuration')
      expect(errorFromRefusal(503, body).kind).toBe('transport')
    },
  )
})

describe('the admin URL', () => {
  it.each([
    ['http://cms.example/admin', 'ws://cms.example/admin/transfer/runner/pull'],
    ['http://cms.example/admin/', 'ws://cms.example/admin/transfer/runner/pull'],
    ['https://cms.example:8443/a/prefix/admin', 'wss://cms.example:8443/a/prefix/admin/transfer/runner/pull'],
    ['https://cms.example', 'wss://cms.example/transfer/runner/pull'],
    ['https://u:p@cms.example/admin?token=x#y', 'wss://cms.example/admin/transfer/runner/pull'],
  ])('%s leads to %s', (adminUrl, url) => {
    expect(transferUrl(adminUrl, 'pull')).toBe(url)
    expect(transferUrl(adminUrl, 'push')).toBe(url.replace(/pull$/, 'push'))
  })

  it.each(['ws://cms.example/admin', 'ftp://cms.example', 'cms.example', ''])('refuses %s', (adminUrl) => {
    expect(() => transferUrl(adminUrl, 'pull')).toThrow(TransferError)
    expect(() => serverKey(adminUrl)).toThrow(/admin URL/)
  })

  it('names one server however it is written', () => {
    expect(serverKey('http://CMS.example:80/admin/')).toBe(serverKey('http://cms.example/admin?x=1'))
  })
})
