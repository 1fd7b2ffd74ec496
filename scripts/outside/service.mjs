/** A program that serves, as processes: seen through its HTTP answers, its metrics and its log, and in no other way. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { get, request } from 'node:http'
import { get as getByTls } from 'node:https'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expected, within } from './waiting.mjs'

const START_PATIENCE_MS = 30_000
/** The program of the small adapter. */
export const ADAPTER = fileURLToPath(new URL('adapter.cjs', import.meta.url))

const ENV = {
  EA_HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  // A request is answered by what is there now.
  CACHE_POLLING_MAX_RETRIES: '0',
  BACKGROUND_EXECUTE_MS_WS: '50',
  BACKGROUND_EXECUTE_MS_SSE: '50',
  BACKGROUND_EXECUTE_MS_HTTP: '50',
  RATE_LIMIT_CAPACITY_SECOND: '10',
  STREAM_HANDLER_RETRY_MIN_MS: '100',
}

/** Below those that systems give to outgoing connections, of which there are many here. */
const PORTS = { from: 20_000, to: 32_000 }
const givenPorts = new Set()

export async function freePort() {
  const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from))
  if (givenPorts.has(port)) return freePort()
  givenPorts.add(port)
  const server = createServer()
  const isFree = await new Promise((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isFree) return freePort()
  server.close()
  await once(server, 'close')
  return port
}

/**
 * @param of.agent - connections of requests
 * @returns the status and the text of an answer
 */
const exchange = (url, body, { agent = false, headers: own = {} } = {}) =>
  new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...own }
    const sent = request(url, { method, headers, agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode, text }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.setTimeout(10_000, () => sent.destroy(new Error(`${url}: no answer within 10 s`)))
    sent.end(body)
  })

const jsonOf = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Process groups that run. They end with the trial, however that ends. */
const groups = new Set()
process.once('exit', () => {
  for (const pid of groups) killGroup(pid)
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

export class Service {
  lines = []
  /** Whatever it printed that is no line of its log. */
  output = ''
  #agent
  #child
  #closed
  #url
  #metricsUrl

  /**
   * @param program - the file
   * @param of.agent - connections of requests; without one each has its own, so that each worker gets its share
   */
  static async start(program, { env, folder, agent }) {
    const service = await Service.#spawned(program, { env, folder, agent })
    await service.#started()
    return service
  }

  /** The same for one that is not expected to start. @returns it when it has ended; otherwise undefined, and it runs no more */
  static async startsNot(program, { env, folder }) {
    const service = await Service.#spawned(program, { env, folder })
    const code = await service.exitWithin(START_PATIENCE_MS)
    await service.stop()
    return code === undefined ? undefined : service
  }

  static async #spawned(program, { env, folder, agent }) {
    const service = new Service()
    const [port, metricsPort] = [await freePort(), await freePort()]
    const all = {
      PATH: process.env.PATH,
      TMPDIR: folder,
      ...ENV,
      EA_PORT: String(port),
      METRICS_PORT: String(metricsPort),
      ...env,
    }
    service.#agent = agent
    // A group of its own, so that it can be stopped, and made to stand still, with all the processes that it starts.
    const stdio = ['ignore', 'pipe', 'pipe']
    service.#child = spawn(process.execPath, [program], { env: all, stdio, detached: true, cwd: folder })
    if (service.#child.pid !== undefined) groups.add(service.#child.pid)
    service.#closed = once(service.#child, 'close').catch(() => {})
    service.#read()
    service.port = Number(all.EA_PORT)
    service.#url = `${all.TLS_ENABLED === 'true' ? 'https' : 'http'}://127.0.0.1:${all.EA_PORT}`
    service.#metricsUrl = `http://127.0.0.1:${all.METRICS_PORT}/metrics`
    return service
  }

  /** Where requests are sent. */
  get url() {
    return `${this.#url}/`
  }

  /** How it has ended: `{ code, signal }`; undefined while it runs. */
  get end() {
    const { exitCode: code, signalCode: signal } = this.#child
    return code === null && signal === null ? undefined : { code, signal }
  }

  /** By its name, the process that a worker or the writer is now, as the log says. */
  childOf(name) {
    return this.lines.findLast(({ msg, child }) => child !== undefined && msg === `${name} is ready`)?.child
  }

  /** Asks it to end. @returns how it did; undefined where it did not within `ms` */
  async terminate(ms) {
    const ended = this.end === undefined ? once(this.#child, 'exit') : undefined
    this.#child.kill('SIGTERM')
    let timer
    const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)))
    await Promise.race([ended, late])
    clearTimeout(timer)
    return this.end
  }

  /** @returns status, result, the body as JSON (or its text), and why there is no value, as far as the answer says so */
  async ask(data, agent = this.#agent) {
    const { status, text } = await exchange(this.url, JSON.stringify({ data }), { agent })
    const body = jsonOf(text) ?? text
    return { status, result: body.result, body, why: whyIn(body) }
  }

  async status() {
    return jsonOf((await exchange(`${this.#url}/status`)).text)
  }

  /** @returns status, text and the body as JSON of a page */
  async page(path, { port = this.port, headers } = {}) {
    const answer = await exchange(`http://127.0.0.1:${port}${path}`, undefined, { headers })
    return { ...answer, body: jsonOf(answer.text) }
  }

  /** @returns status and text of any body that is sent */
  send(body, headers) {
    return exchange(`${this.#url}/`, body, { headers })
  }

  async metrics() {
    return (await exchange(this.#metricsUrl)).text
  }

  /** The sum of all series of a counter, and the reasons among their labels. */
  async count(name) {
    const text = await this.metrics()
    const series = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    const total = series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    return { total, reasons: series.map((line) => /reason="([^"]*)"/.exec(line)?.[1]).filter(Boolean) }
  }

  get pid() {
    return this.#child.pid
  }

  /** By its name (`writer`, `worker-1`), the process of a service of several that is in that role; undefined where there is none now. */
  process(name) {
    const said = this.lines.findLast(({ msg, child }) => msg === `${name} is ready` && child !== undefined)
    return said?.child
  }

  /** To the process that was started, and not to those that it has started. */
  signal(name) {
    if (!this.hasEnded) process.kill(this.#child.pid, name)
  }

  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** @returns its exit code, or the signal that ended it; undefined while it runs */
  async exitWithin(ms) {
    await within(ms, () => this.hasEnded)
    return this.#child.exitCode ?? this.#child.signalCode ?? undefined
  }

  freeze() {
    process.kill(-this.#child.pid, 'SIGSTOP')
  }

  thaw() {
    process.kill(-this.#child.pid, 'SIGCONT')
  }

  async stop() {
    const { pid } = this.#child
    if (pid === undefined) return
    killGroup(pid)
    await this.#closed
    groups.delete(pid)
  }

  #read() {
    let rest = ''
    this.#child.stdout.setEncoding('utf8').on('data', (chunk) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop()
      this.lines.push(...parts.map((line) => jsonOf(line) ?? { msg: line }))
    })
    this.#child.stderr.setEncoding('utf8').on('data', (chunk) => (this.output += chunk))
  }

  async #started() {
    const getHealth = this.#url.startsWith('https') ? getByTls : get
    const isUp = () =>
      new Promise((resolve) => {
        getHealth(`${this.#url}/health`, { agent: false, rejectUnauthorized: false }, (response) => {
          response.resume()
          resolve(response.statusCode === 200)
        }).on('error', () => resolve(false))
      })
    try {
      await expected('start', START_PATIENCE_MS, async () => {
        if (this.#child.exitCode !== null) throw new Error(`ended with ${this.#child.exitCode}`)
        return isUp()
      })
    } catch (error) {
      await this.stop()
      const said = [...this.lines.map(({ msg }) => msg), this.output].join('\n').slice(-2_000)
      // Without the lines of a stack: they say where this machine has its files.
      const why = said.replaceAll(/^\s+at .*$|^\S*\/\S+:\d+$|\S*\/node_modules\/\S*/gm, '')
      throw new Error(`the service did not start: ${error.message}\n${why}`, { cause: error })
    }
  }
}

/** Why there is no value: of an error that an adapter wrote it is beside it. */
export const reasonIn = (body) => body?.error?.reason ?? body?.reason

const whyIn = (body) => {
  const reason = reasonIn(body)
  if (reason !== undefined) return `${reason.code}: ${reason.message}`
  return body.errorMessage
}
