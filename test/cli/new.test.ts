import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { wsProvider } from '../../src/testing'
import { read, root } from '../helpers/repository'

const PATIENCE_MS = 240_000
const out = mkdtempSync(join(tmpdir(), 'tickwell-new-'))
const command = join(out, 'package/lib/cli/main.js')
const FEED = { base: 'ETH', quote: 'USD' }
const env = { PATH: process.env['PATH'], HOME: out }

/** The built package, and what a new adapter is developed with, stand where npm would install them. */
beforeAll(() => {
  symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--no-check', '--out', out], {
    stdio: 'pipe',
  })
  mkdirSync(join(out, 'made/node_modules'), { recursive: true })
  for (const name of ['@types', 'tsx', 'typescript', 'vitest'])
    symlinkSync(join(root, 'node_modules', name), join(out, 'made/node_modules', name))
  symlinkSync(join(out, 'package'), join(out, 'made/node_modules/tickwell'))
}, PATIENCE_MS)

afterAll(() => rmSync(out, { recursive: true, force: true }))

const made = (...path: string[]) => join(out, 'made', ...path)
const tickwell = (args: string[], cwd = made(), variables = {}) =>
  spawnSync(process.execPath, [command, ...args], { cwd, encoding: 'utf8', env: { ...env, ...variables } })

/** Runs a program of the new adapter's `node_modules`. */
const run = (name: string, file: string, ...args: string[]) => {
  const program = join(root, 'node_modules', name, file)
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
    cwd: made(name === 'vitest' || name === 'typescript' ? current : ''),
    encoding: 'utf8',
    env,
  })
  return [status, status === 0 ? '' : stdout]
}
let current = ''

/** A provider that speaks as the templates of all kinds do; the variables lead to it. */
const provider = async () => {
  const sockets = await wsProvider()
  sockets.onMessage((text, connection) => {
    const { pair } = JSON.parse(text) as { pair: string }
    connection.send({ type: 'price', pair, price: 42, time: Date.now() })
  })
  const price = () => JSON.stringify({ pair: 'ETH/USD', price: 42, time: Date.now() })
  const streams = new Set<{ write: (text: string) => unknown }>()
  const server = createServer((request, response) => {
    if (request.url === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.add(response)
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(price())
    for (const stream of streams) stream.write(`event: price\ndata: ${price()}\n\n`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await sockets.stop()
  })
  const { port } = server.address() as AddressInfo
  return { WS_API_ENDPOINT: sockets.url, API_ENDPOINT: `http://127.0.0.1:${port}` }
}

/** Starts what was built, and resolves with its URL once it listens. */
const started = async (folder: string, variables: Record<string, string>): Promise<string> => {
  const child = spawn(process.execPath, ['dist/src/index.js'], {
    cwd: folder,
    env: { ...env, EA_HOST: '127.0.0.1', EA_PORT: '0', METRICS_ENABLED: 'false', ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  for await (const line of createInterface(child.stdout)) {
    const { msg, port } = JSON.parse(line) as { msg: string; port?: number }
    if (msg.startsWith('Listening on')) return `http://127.0.0.1:${port}`
  }
  throw new Error('It ended before it listened')
}

const ask = async (url: string) => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ data: FEED }) })
  return { status: response.status, body: (await response.json()) as { result?: number } }
}

describe('a new adapter', { timeout: PATIENCE_MS }, () => {
  it.each(['ws', 'http', 'sse', 'custom'])(
    'of the kind %s has a test that passes, compiles, and serves the price of its provider',
    async (kind) => {
      current = `acme-${kind}`
      const { status, stdout } = tickwell(['new', current, 'spot-price', '--transport', kind])
      expect([status, stdout]).toEqual([0, expect.stringContaining(`cd ${current}`)])
      expect(run('vitest', 'vitest.mjs', 'run', '--dir', 'test')).toEqual([0, ''])
      expect(run('typescript', 'bin/tsc')).toEqual([0, ''])
      const url = await started(made(current), await provider())
      let answer = await ask(url)
      while (answer.status === 504) answer = await ask(url)
      expect(answer).toMatchObject({ status: 200, body: { result: 42 } })
    },
  )

  it('takes nothing that exists, and no names but those in lower case with hyphens', () => {
    mkdirSync(made('taken'))
    writeFileSync(made('taken', 'mine'), 'mine')
    expect(tickwell(['new', 'taken', 'price'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('exists already'),
    })
    expect(readFileSync(made('taken', 'mine'), 'utf8')).toBe('mine')
    for (const names of [['Acme', 'price'], ['../acme', 'price'], ['acme', 'a_b'], ['acme'], ['a', 'b', 'c']])
      expect(tickwell(['new', ...names]), names.join(' ')).toMatchObject({ status: 2, stdout: '' })
    expect(tickwell(['new', 'acme', 'price', '--transport', 'carrier-pigeon']).status).toBe(2)
  })

  it('depends on this version of the package, or on what is asked for, and is developed with our versions', () => {
    const manifestOf = (name: string, ...args: string[]) => {
      expect(tickwell(['new', name, 'price', ...args]).status).toBe(0)
      return JSON.parse(readFileSync(made(name, 'package.json'), 'utf8')) as Record<
        string,
        Record<string, string>
      >
    }
    const own = JSON.parse(read('package.json')) as {
      version: string
      devDependencies: Record<string, string>
    }
    const { dependencies, devDependencies } = manifestOf('usual')
    expect(dependencies).toEqual({ tickwell: `^${own.version}` })
    expect(own.devDependencies).toMatchObject(devDependencies!)
    expect(manifestOf('older', '--tickwell', '0.0.1')['dependencies']).toEqual({ tickwell: '0.0.1' })
    const local = manifestOf('local', '--tickwell', '../package')['dependencies']
    expect(local).toEqual({ tickwell: expect.stringMatching(/^file:.*\/package$/) })
  })
})

describe('one request', { timeout: PATIENCE_MS }, () => {
  it('shows the frames both ways without secrets, and the answer, and ends with 0 for a 200', async () => {
    expect(tickwell(['new', 'tried', 'price']).status).toBe(0)
    const { WS_API_ENDPOINT: url } = await provider()
    const child = spawn(process.execPath, [command, 'try', '--json', JSON.stringify(FEED)], {
      cwd: made('tried'),
      env: { ...env, WS_API_ENDPOINT: `${url}/?key=of-a-url-0123456789` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(0)
    const told = JSON.parse(text) as {
      statusCode: number
      answer: object
      traffic: { direction: string; text: string }[]
    }
    expect(told).toMatchObject({ statusCode: 200, answer: { result: 42 } })
    const sent = told.traffic.filter(({ direction }) => direction === 'sent')
    expect(JSON.parse(sent[0]!.text)).toEqual({ op: 'subscribe', pair: 'ETH/USD' })
    const received = told.traffic.filter(({ direction }) => direction === 'received')
    expect(JSON.parse(received[0]!.text)).toMatchObject({ price: 42 })
    expect(text).not.toContain('of-a-url-0123456789')
  })

  it('ends with 1 for another answer, and with 2 for data that is no JSON object', () => {
    expect(tickwell(['new', 'refused', 'price']).status).toBe(0)
    const variables = { WS_API_ENDPOINT: 'ws://127.0.0.1:9' }
    const { status, stdout } = tickwell(
      ['try', '--timeout', '1', JSON.stringify(FEED)],
      made('refused'),
      variables,
    )
    expect([status, stdout]).toEqual([1, expect.stringContaining('504')])
    expect(tickwell(['try', '{"data":'], made('refused')).status).toBe(2)
  })
})
