import { resolve } from 'node:path'
import { adapterIn, availableAdapters, loadAdapter } from '../service/catalogue'
import { withEnv } from '../testing/env'
import { type Reply, serve, type Served } from '../testing/serve'
import { isObject, messageOf } from '../util/objects'
import { beginningOf, redactText } from '../util/redaction'
import { type Command, FAILED, MisuseError, OK, parsed, print } from './command'
import { hearTraffic, type Traffic } from './traffic'
import { makeLoadable } from './typescript'

const OPTIONS = {
  adapter: { type: 'string', default: 'src/adapter.ts' },
  endpoint: { type: 'string' },
  timeout: { type: 'string', default: '10000' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

export const USAGE = `Usage: tickwell try [--adapter <file or name>] [--endpoint <name>] [--timeout <ms>] [--json] <data>

Runs one request against an adapter, without opening a port, and prints what goes to its provider and comes from it, with the
time since the beginning in ms, and the answer. <data> is the JSON of the request's data: '{"base":"ETH","quote":"USD"}'.
Secrets are not shown. Of server-sent events only the requests that subscribe are shown.

  --adapter   a file that exports it as \`adapter\`, or the name of one that comes along; by default src/adapter.ts
  --endpoint  which endpoint is asked; by default the adapter's default endpoint
  --timeout   how long to ask again while there is no value, in ms; by default 10000
  --json      prints all of it as one JSON object

Ends with 0 when the answer is a 200, and else with 1.`

/** Longer ones are cut: a snapshot of a whole market is not read by anybody. */
const MAX_SHOWN = 2_000

const SIGNS = { sent: '->', received: '<-', connection: '--' }

const lineOf = ({ atMs, direction, text }: Traffic): string =>
  `${String(atMs).padStart(6)} ${SIGNS[direction]} ${beginningOf(text, MAX_SHOWN)}`

const dataIn = (text: string | undefined): object => {
  try {
    const data: unknown = JSON.parse(text ?? '')
    if (isObject(data)) return data
  } catch {
    // It is said below.
  }
  throw new MisuseError(`The data must be a JSON object, such as '{"base":"ETH","quote":"USD"}'`)
}

const msIn = (text: string): number => {
  const ms = Number(text)
  if (!Number.isInteger(ms) || ms < 1) throw new MisuseError(`--timeout wants milliseconds, not "${text}"`)
  return ms
}

const load = async (name: string) => {
  if (availableAdapters().has(name)) return loadAdapter(name)
  const file = resolve(name)
  await makeLoadable(file)
  return adapterIn(file)
}

/** Asks again while there is no value yet. */
const ask = async (
  service: Served,
  { data, endpoint, timeoutMs }: { data: object; endpoint: string | undefined; timeoutMs: number },
): Promise<Reply> => {
  const end = performance.now() + timeoutMs
  const options = endpoint === undefined ? {} : { endpoint }
  let reply = await service.post(data, options)
  while (reply.statusCode === 504 && performance.now() < end) reply = await service.post(data, options)
  return reply
}

/** @throws MisuseError for arguments that there are not, and data that is no JSON object */
export const tryOut: Command = async (args) => {
  const { values, positionals } = parsed({ args, options: OPTIONS, allowPositionals: true })
  if (values.help) {
    await print(USAGE)
    return OK
  }
  if (positionals.length > 1) throw new MisuseError(`One request is run, not ${positionals.length}`)
  const request = { data: dataIn(positionals[0]), endpoint: values.endpoint, timeoutMs: msIn(values.timeout) }
  // Lines of the log would stand between those of the provider.
  withEnv({ LOG_LEVEL: 'fatal' }, { onlyUnset: true })
  const traffic: Traffic[] = []
  const end = hearTraffic((one) => {
    traffic.push(one)
    if (!values.json) void print(lineOf(one))
  })
  try {
    await using service = await serve(() => load(values.adapter))
    const reply = await ask(service, request)
    const { statusCode } = reply
    const answer: unknown = reply.json ?? reply.text
    const shown = redactText(JSON.stringify(values.json ? { statusCode, answer, traffic } : answer, null, 2))
    await print(values.json ? shown : `${statusCode}\n${shown}`)
    return statusCode === 200 ? OK : FAILED
  } catch (error) {
    if (error instanceof MisuseError) throw error
    await print(redactText(messageOf(error)), process.stderr)
    return FAILED
  } finally {
    end()
  }
}
