import { connect, createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type AdapterSettings } from '../../../src/config/settings'
import { type KeptProcess } from '../../../src/service/workers/kept-process'
import { scrape, ScrapeServer } from '../../../src/service/workers/scrape'

const settings = (more: object = {}) =>
  ({
    EA_HOST: '127.0.0.1',
    METRICS_PORT: 0,
    BASE_URL: '/',
    CLIENT_TIMEOUT_MS: 30_000,
    ...more,
  }) as AdapterSettings

const servers: ScrapeServer[] = []

const serve = async (more: object, collect: () => Promise<string>): Promise<string> => {
  const server = new ScrapeServer(settings(more), collect)
  servers.push(server)
  return `http://${await server.listen()}`
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

describe('the metrics server of a supervisor', () => {
  it('is like that of a single process', async () => {
    const url = await serve({}, () => Promise.resolve('a 1\n'))
    const response = await fetch(`${url}/metrics`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe('a 1\n')
    expect((await fetch(`${url}/metrics?x=1`)).status).toBe(200)
    expect((await fetch(`${url}/`)).status).toBe(404)
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(404)
  })

  it('is under BASE_URL where the settings say so', async () => {
    const url = await serve({ BASE_URL: '/ea', METRICS_USE_BASE_URL: true }, () => Promise.resolve('a 1\n'))
    expect((await fetch(`${url}/ea/metrics`)).status).toBe(200)
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
  })

  it('OB-5: asks once for all who ask meanwhile, and anew after that', async () => {
    let asked = 0
    let answer!: () => void
    let begin!: () => void
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const url = await serve({}, () => {
      const collected = new Promise<string>((resolve) => (answer = () => resolve(`asked ${++asked}\n`)))
      begin()
      return collected
    })
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let text = ''
    const ended = new Promise((resolve) =>
      socket.on('data', (data) => (text += String(data))).on('close', resolve),
    )
    // In one packet, so that the server has read both when it begins to answer.
    socket.write(
      `GET /metrics HTTP/1.1\r\nhost: a\r\n\r\nGET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
    )
    await begun
    answer()
    await ended
    expect(text.match(/asked \d/g)).toEqual(['asked 1', 'asked 1'])
    const begunAgain = new Promise<void>((resolve) => (begin = resolve))
    const later = fetch(`${url}/metrics`)
    await begunAgain
    answer()
    expect(await (await later).text()).toBe('asked 2\n')
  })

  it('LC-2: says when its port is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await expect(serve({ METRICS_PORT: port }, () => Promise.resolve(''))).rejects.toThrow('EADDRINUSE')
    other.close()
  })
})

describe('a scrape', () => {
  const process = (name: string, restartCount: number, text: string | undefined) =>
    ({ name, restartCount, metrics: () => Promise.resolve(text) }) as unknown as KeptProcess

  it('has the metrics of all processes, and says which of them are there', async () => {
    const head = '# HELP a A\n# TYPE a counter\n'
    const text = await scrape([
      process('writer', 3, undefined),
      process('worker-1', 0, `${head}a{process="worker-1"} 1\n`),
      process('worker-2', 1, `${head}a{process="worker-2"} 2\n`),
    ])
    expect(text.match(/# TYPE a /g)).toHaveLength(1)
    for (const line of [
      'a{process="worker-1"} 1',
      'a{process="worker-2"} 2',
      'service_process_up{process="writer"} 0',
      'service_process_up{process="worker-1"} 1',
      'service_process_restarts_total{process="writer"} 3',
      'service_process_restarts_total{process="worker-2"} 1',
    ])
      expect(text.split('\n')).toContain(line)
  })
})
