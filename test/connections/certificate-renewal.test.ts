import { once } from 'node:events'
import {
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  statSync,
  unlinkSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { CertificateRenewal, tlsOriginOf } from '../../src/connections/certificate-renewal'
import { metrics } from '../../src/metrics/registry'
import { eventually } from '../helpers/eventually'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { renderMetrics } from '../../src/metrics/render'
import { selfSigned } from '../http/certificate'
import { call, listening } from './support'

type Pair = ReturnType<typeof selfSigned>

const OLD = selfSigned()
const NEW = selfSigned()

const lines: { level: string; fields: Record<string, unknown>; text: string }[] = []

beforeEach(() => {
  lines.length = 0
  const at = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, fields, text })
  const child = () => ({ info: at('info'), warn: at('warn'), error: at('error'), debug: () => {} })
  LoggerFactoryProvider.set({ child } as never)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
})
afterEach(() => void vi.useRealTimers())

const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'certificate-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const write = (to: string, { key, cert }: Partial<Pair>): void => {
  if (key !== undefined) writeFileSync(join(to, 'tls.key'), key)
  if (cert !== undefined) writeFileSync(join(to, 'tls.crt'), cert)
}

const given = (at: string) => ({ key: join(at, 'tls.key'), cert: join(at, 'tls.crt') })

/** What a new connection is shown. */
const shownAt = async (port: number): Promise<string> => {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return raw.toString('base64')
}
const inDer = ({ cert }: Pair): string => cert.replace(/-----[A-Z ]+-----|\s/g, '')

const serving = async (at: string, count = 1) => {
  const origin = tlsOriginOf(given(at))
  const texts = origin.read()
  const servers = Array.from({ length: count }, () => createServer(texts, (_req, res) => res.end('hello')))
  const now = { requestCert: false, ca: undefined, key: texts.key, cert: texts.cert }
  const renewals = servers.map((server) => new CertificateRenewal(() => [server], origin, now))
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  return {
    port: ports[0]!,
    ports,
    servers,
    looks: async (times: number) => {
      for (let time = 0; time < times; time++) await Promise.all(renewals.map((renewal) => renewal.look()))
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of servers.filter(({ listening }) => listening)) {
        const closed = once(server.close(), 'close')
        server.closeAllConnections()
        await closed
      }
    },
  }
}

/** At the first look there is nothing to compare with; what is the same at two looks has been written. */
const SETTLED = 2

describe('a certificate in files', () => {
  it('is renewed for new connections, and those that are open go on', async () => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at)
    const before: TLSSocket = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false })
    await once(before, 'secureConnect')
    await server.looks(SETTLED)
    write(at, NEW)
    await server.looks(SETTLED)
    expect(await shownAt(server.port)).toBe(inDer(NEW))
    before.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n')
    expect(String(await once(before, 'data'))).toMatch(/^HTTP\/1.1 200 OK/)
    before.destroy()
  })

  it('is looked at by itself while the server listens, and not after that', async () => {
    const at = folder()
    write(at, OLD)
    const server = await serving(at)
    expect(vi.getTimerCount()).toBe(1)
    write(at, NEW)
    await eventually(async () => {
      vi.advanceTimersByTime(1_000)
      expect(await shownAt(server.port)).toBe(inDer(NEW))
    })
    await server[Symbol.asyncDispose]()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is looked at no more by a server that still has connections, once it takes no new ones', async () => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at)
    const open = connect({ host: '127.0.0.1', port: server.port, rejectUnauthorized: false })
    await once(open, 'secureConnect')
    server.servers[0]!.close()
    vi.advanceTimersByTime(1_000)
    expect(vi.getTimerCount()).toBe(0)
    open.destroy()
  })

  it('is renewed by a rename into its place', async () => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at)
    await server.looks(SETTLED)
    for (const [name, text] of [
      ['tls.key', NEW.key],
      ['tls.crt', NEW.cert],
    ] as const) {
      writeFileSync(join(at, 'next'), text)
      renameSync(join(at, 'next'), join(at, name))
    }
    await server.looks(SETTLED)
    expect(await shownAt(server.port)).toBe(inDer(NEW))
  })

  it('is renewed by the links of Kubernetes, which are turned to another folder', async () => {
    const at = folder()
    for (const [name, pair] of [
      ['..1', OLD],
      ['..2', NEW],
    ] as const) {
      mkdirSync(join(at, name))
      write(join(at, name), pair)
    }
    symlinkSync('..1', join(at, '..data'))
    for (const name of ['tls.key', 'tls.crt']) symlinkSync(join('..data', name), join(at, name))
    await using server = await serving(at)
    await server.looks(SETTLED)
    symlinkSync('..2', join(at, '..next'))
    renameSync(join(at, '..next'), join(at, '..data'))
    rmSync(join(at, '..1'), { recursive: true })
    await server.looks(SETTLED)
    expect(await shownAt(server.port)).toBe(inDer(NEW))
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('is renewed though its size and its time are the same', async () => {
    const at = folder()
    write(at, OLD)
    const { atime, mtime } = statSync(given(at).cert)
    await using server = await serving(at)
    await server.looks(SETTLED)
    write(at, NEW)
    for (const path of Object.values(given(at))) utimesSync(path, atime, mtime)
    await server.looks(SETTLED)
    expect(await shownAt(server.port)).toBe(inDer(NEW))
  })

  it('is renewed for all servers that have it', async () => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at, 3)
    await server.looks(SETTLED)
    write(at, NEW)
    await server.looks(SETTLED)
    for (const port of server.ports) expect(await shownAt(port)).toBe(inDer(NEW))
  })

  it.each([
    ['a key that is not that of the certificate', { key: NEW.key }],
    ['a certificate of another key', { cert: NEW.cert }],
    ['half a key', { ...NEW, key: NEW.key.slice(0, 100) }],
    ['half a certificate', { ...NEW, cert: NEW.cert.slice(0, 200) }],
    ['a chain that breaks off', { ...NEW, cert: `${NEW.cert}${OLD.cert.slice(0, 200)}` }],
    ['an empty file', { ...NEW, cert: '' }],
    ['no PEM', { ...NEW, key: 'none' }],
  ])('goes on as it was with %s, which is said once, until all is whole', async (_what, part) => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at)
    await server.looks(SETTLED)
    write(at, part)
    await server.looks(SETTLED + 3)
    expect(await shownAt(server.port)).toBe(inDer(OLD))
    const warned = lines.filter(({ level }) => level === 'warn')
    expect(warned.map(({ text }) => text)).toEqual(['Changed files of TLS cannot be used: the last go on'])
    expect(JSON.stringify(warned)).not.toContain(NEW.key.split('\n')[1]!.slice(0, 8))
    write(at, NEW)
    await server.looks(SETTLED)
    expect(await shownAt(server.port)).toBe(inDer(NEW))
  })

  it('goes on as it was while a file is gone, which is said once without its path', async () => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at)
    await server.looks(SETTLED)
    unlinkSync(given(at).key)
    await server.looks(SETTLED + 3)
    expect(await shownAt(server.port)).toBe(inDer(OLD))
    const warned = lines.filter(({ level }) => level === 'warn')
    expect(warned.map(({ fields }) => fields.problem)).toEqual(['The file cannot be read (ENOENT)'])
    write(at, OLD)
    await server.looks(SETTLED)
    expect(lines.filter(({ level }) => level !== 'warn')).toEqual([])
  })

  it('is not read while it is being written', async () => {
    const at = folder()
    write(at, OLD)
    await using server = await serving(at)
    await server.looks(SETTLED)
    for (const part of [{ key: NEW.key }, { cert: NEW.cert.slice(0, 100) }, { cert: NEW.cert }]) {
      write(at, part)
      await server.looks(1)
    }
    expect(await shownAt(server.port)).toBe(inDer(OLD))
    await server.looks(1)
    expect(await shownAt(server.port)).toBe(inDer(NEW))
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([])
  })
})

describe('the end of a certificate', () => {
  const endingIn = (days: number): Pair => {
    const at = new Date(Date.now() + days * 86_400_000).toISOString()
    return selfSigned(undefined, ['200101000000Z', `${at.replace(/[-:T]/g, '').slice(2, 14)}Z`])
  }

  it.each([
    [20, []],
    [13, ['warn The certificate of this port ends soon']],
    [-1, ['error The certificate of this port has ended']],
  ])('in %i days is told at the start, and once a day', async (days, told) => {
    const at = folder()
    write(at, endingIn(days))
    await using server = await serving(at)
    await server.looks(3)
    expect(lines.map(({ level, text }) => `${level} ${text}`)).toEqual(told)
  })

  it('is in the metrics for each port, that of the new one after a change', async () => {
    metrics.initialize()
    const at = folder()
    write(at, endingIn(100))
    const endOf = async (port: number) =>
      Number(
        new RegExp(`not_after_timestamp_seconds{port="${port}"\\S* (\\S+)`).exec(await renderMetrics())?.[1],
      )
    {
      await using server = await serving(at)
      const days = async () => Math.round(((await endOf(server.port)) - Date.now() / 1_000) / 86_400)
      expect(await days()).toBe(100)
      write(at, endingIn(300))
      await server.looks(SETTLED)
      expect(await days()).toBe(300)
    }
    expect(await renderMetrics()).not.toMatch(/not_after_timestamp_seconds{/)
  })
})

describe('a listener', () => {
  it('shows new peers the certificate that its files have', async () => {
    const at = folder()
    write(at, OLD)
    const origin = tlsOriginOf(given(at))
    await using server = await listening({ tls: { ...origin.read(), origin } })
    const first = await call(server.url, { tls: { ca: OLD.cert } })
    const accepted = await server.links.next()
    write(at, NEW)
    await eventually(async () => {
      vi.advanceTimersByTime(1_000)
      expect(await shownAt(server.port)).toBe(inDer(NEW))
    })
    await call(server.url, { tls: { ca: NEW.cert } })
    expect([first.send('still here'), accepted.send('still here')]).toEqual(['sent', 'sent'])
  })

  it('leaves no timer when it is closed', async () => {
    const at = folder()
    write(at, OLD)
    const origin = tlsOriginOf(given(at))
    const server = await listening({ tls: { ...origin.read(), origin } })
    expect(vi.getTimerCount()).toBe(1)
    await server[Symbol.asyncDispose]()
    expect(vi.getTimerCount()).toBe(0)
  })
})
