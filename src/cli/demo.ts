#!/usr/bin/env node
import { createServer } from 'node:net'
import { posix } from 'node:path'
import { parseArgs } from 'node:util'
import { AdapterConfig } from '../config/adapter-config'
import { startService } from '../service/single'
import { type ChangedEnv, withEnv } from '../testing/env'
import { simulatedExchange } from '../testing/simulated-exchange'
import { sleep } from '../util/sleep'

const ADAPTER = 'coinbase'
const FEED = { base: 'ETH', quote: 'USD' }
const ASK_EVERY_MS = 1_000

/** How the demo runs. */
export interface DemoOptions {
  /** Ends after the first price. */
  once: boolean
  /** Chooses the prices of the simulated exchange: equal seeds give equal prices. */
  seed: number
  /** Ends the demo. */
  signal: AbortSignal
  print: (line: string) => void
}

/** The parts of an answer that the demo shows. */
interface Answer {
  result?: number
  errorMessage?: string
  error?: { message?: string }
}

const isFree = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })

const settings = () => {
  const config = new AdapterConfig({})
  config.initialize()
  return config.settings
}

/** Takes the usual ports, or any free one if another program uses it. A port that the operator has set is not changed. */
const choosePorts = async (): Promise<ChangedEnv> => {
  const { EA_HOST, EA_PORT, METRICS_PORT } = settings()
  const choose = async (port: number) => ((await isFree(EA_HOST, port)) ? `${port}` : '0')
  const ports = { EA_PORT: await choose(EA_PORT), METRICS_PORT: await choose(METRICS_PORT) }
  return withEnv(ports, { onlyUnset: true })
}

const parse = (text: string): Answer => {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return { errorMessage: text }
  }
}

const ask = async (url: string, body: string, signal: AbortSignal): Promise<number> => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body, signal })
  const text = await response.text()
  const answer = parse(text)
  if (response.ok && typeof answer.result === 'number') return answer.result
  throw new Error(`HTTP ${response.status}: ${answer.errorMessage ?? answer.error?.message ?? text}`)
}

const change = (price: number, last: number | undefined): string =>
  last === undefined ? '' : `  ${price < last ? '-' : '+'}${Math.abs(price - last).toFixed(2)}`

/** Asks once a second and prints the answer, until the signal aborts. */
const watch = async (url: string, { once, signal, print }: DemoOptions): Promise<void> => {
  const body = JSON.stringify({ data: FEED })
  const name = `${FEED.base}/${FEED.quote}`
  let last: number | undefined
  while (!signal.aborted) {
    try {
      const price = await ask(url, body, signal)
      print(`${name}  ${price.toFixed(2)}${change(price, last)}`)
      last = price
    } catch (error) {
      if (signal.aborted) return
      if (once) throw error
      print(`${name}  ${(error as Error).message}`)
    }
    if (once) return
    await sleep(ASK_EVERY_MS, signal)
  }
}

const serveAndWatch = async (options: DemoOptions): Promise<void> => {
  const service = await startService()
  try {
    const url = new URL(posix.join(settings().BASE_URL, ADAPTER), service.url).href
    const body = JSON.stringify({ data: FEED })
    options.print(`Prices are simulated (seed ${options.seed}); nothing leaves this computer. Ask for one:`)
    options.print(`curl -s -X POST ${url} -H 'content-type: application/json' -d '${body}'`)
    await watch(url, options)
  } finally {
    await service.stop()
  }
}

/**
 * Shows the service without the internet: starts it with a simulated exchange, prints a command that asks for a price, and then
 * prints the price every second, as a client gets it over HTTP. `ADAPTERS`, `EA_HOST`, `EA_PORT`, `METRICS_PORT` and `LOG_LEVEL`
 * may be set; the exchange is always the simulated one.
 *
 * @throws Error when the service cannot start; with `once`, also when the answer is no price
 */
export const demo = async (options: DemoOptions): Promise<void> => {
  await using exchange = await simulatedExchange({ seed: options.seed })
  const defaults = { ADAPTERS: ADAPTER, EA_HOST: '127.0.0.1', LOG_LEVEL: 'warn' }
  const changed = [
    withEnv({ COINBASE_WS_API_ENDPOINT: exchange.url }),
    withEnv(defaults, { onlyUnset: true }),
  ]
  try {
    changed.push(await choosePorts())
    await serveAndWatch(options)
  } finally {
    for (const env of changed.reverse()) env.restore()
  }
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } },
  })
  const seed = Number(values.seed)
  if (!Number.isInteger(seed)) throw new Error(`--seed wants a whole number, not "${values.seed}"`)
  const stopping = new AbortController()
  const stop = () => {
    if (stopping.signal.aborted) process.exit(1)
    stopping.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // The program that reads the output has ended (`| head`), so the demo ends too.
  process.stdout.on('error', () => stopping.abort())
  await demo({ once: values.once, seed, signal: stopping.signal, print: (line) => console.log(line) })
}

if (require.main === module) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
}
