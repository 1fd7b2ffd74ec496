import { createRequire } from 'node:module'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { start } from '../../src/public'
import { Adapter, AdapterEndpoint } from '../../src/public/adapter'
import { SubscriptionTransport } from '../../src/public/transports/abstract/subscription'
import { InputParameters } from '../../src/public/validation'
import { read } from '../helpers/repository'

interface Recorded {
  request: {
    method: 'POST'
    url: string
    headers: Record<string, string>
    payload?: string
    /** In place of the payload, where that is long. */
    name?: string
    length?: number
  }
  answer: { statusCode: number; headers: Record<string, string>; body: string }
}

type Classes = Record<'Adapter' | 'AdapterEndpoint' | 'InputParameters' | 'SubscriptionTransport', unknown>

const require = createRequire(join(__dirname, 'any.js'))
const { makeAdapter } = require('../fixtures/reference/adapter.cjs') as {
  makeAdapter: (of: Classes) => { adapter: Adapter; fill: () => Promise<void> }
}
/** `scripts/record-answers.mjs` writes them. */
const recorded = JSON.parse(read('test/fixtures/reference/answers.json')) as Recorded[]

/** Where ours differs on purpose: what is asked, and the heading in docs/differences.md that says so. */
const MEANT: { heading: string; is: (of: Recorded) => boolean }[] = [
  {
    heading: '`content-type` may have parameters and any letter case (17.7)',
    is: ({ request }) => /^application\/json *;|^[A-Z]/.test(request.headers['content-type'] ?? ''),
  },
  {
    heading: 'A body that is no object, or names an endpoint that is no text, gets 400',
    is: ({ answer }) => answer.statusCode === 500 && /toLowerCase|'data'/.test(answer.body),
  },
]

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/**
 * What is beside what the reference says: "The 504 says why there is no value" and "A request that is wrong is told what would be right" in
 * docs/differences.md.
 */
const withoutOurs = (body: unknown): unknown => {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return body
  const members = Object.entries(body).filter(([name]) => name !== 'reason' && name !== 'hint')
  return Object.fromEntries(
    members.map(([name, member]) => [name, name === 'error' ? withoutOurs(member) : (member as unknown)]),
  )
}

/** Of an answer what clients see: status, type, the names of headers, and the body. */
const seen = ({ statusCode, headers, body }: Recorded['answer']) => ({
  statusCode,
  type: headers['content-type'],
  headers: Object.keys(headers).sort(),
  body: withoutOurs(parsed(body)),
})

const payloadOf = ({ payload, length = 0 }: Recorded['request']): string | undefined =>
  payload ?? (length === 0 ? undefined : `{"data":{"base":"ETH","quote":"${'x'.repeat(length)}"}}`)

let ask: (request: Recorded['request']) => Promise<Recorded['answer']>

beforeAll(async () => {
  vi.stubEnv('CACHE_POLLING_MAX_RETRIES', '0')
  vi.stubEnv('METRICS_ENABLED', 'true')
  vi.stubEnv('npm_package_version', '1.2.3')
  const { adapter, fill } = makeAdapter({ Adapter, AdapterEndpoint, InputParameters, SubscriptionTransport })
  const { api } = await start(adapter)
  await fill()
  ask = async (request) => {
    const { method, url, headers } = request
    const payload = payloadOf(request)
    const reply = await api!.inject({ method, url, headers, ...(payload !== undefined && { payload }) })
    return {
      statusCode: reply.statusCode,
      headers: reply.headers as Record<string, string>,
      body: reply.body,
    }
  }
  return async () => {
    await api!.close()
    vi.unstubAllEnvs()
  }
})

const answers = recorded.filter(({ request }) => request.url !== '/status')

it('HT-1: every recorded request, valid or not, is answered as the reference answers it, twice, but for the differences that are listed', async () => {
  expect(answers.length).toBeGreaterThan(200)
  const page = read('docs/differences.md')
  const differing: unknown[] = []
  const used = new Set<string>()
  for (const one of answers) {
    for (let time = 0; time < 2; time++) {
      const [ours, theirs] = [seen(await ask(one.request)), seen(one.answer)]
      if (JSON.stringify(ours) === JSON.stringify(theirs)) continue
      const meant = MEANT.find(({ is }) => is(one))
      if (meant === undefined) differing.push({ asked: one.request, ours, theirs })
      else used.add(meant.heading)
    }
  }
  expect(differing.map((one) => JSON.stringify(one))).toEqual([])
  for (const { heading } of MEANT) expect(page, heading).toContain(`\n### ${heading}\n`)
  expect([...used].sort()).toEqual(MEANT.map(({ heading }) => heading).sort())
})

/** Names and types, at every depth. A list has those of its first element. */
const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (value === null || typeof value !== 'object') return typeof value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
}

describe('HT-6: what the node reads', () => {
  const recordedOf = (url: string, matches: (one: Recorded) => boolean = () => true) =>
    recorded.find((one) => one.request.url === url && matches(one))!
  const both = async (of: Recorded) => [parsed((await ask(of.request)).body), parsed(of.answer.body)] as const

  it('of /health is what the reference says', async () => {
    const [ours, theirs] = await both(
      recordedOf('/health', ({ request }) => (request.method as string) === 'GET'),
    )
    expect(ours).toEqual(theirs)
    expect(ours).toEqual({ message: 'OK', version: '1.2.3' })
  })

  it('of /status has the names and types of the reference', async () => {
    const [ours, theirs] = await both(recordedOf('/status'))
    const { configuration: oursOf, ...ourRest } = ours as { configuration: { name: string }[] }
    const { configuration: theirsOf, ...theirRest } = theirs as { configuration: { name: string }[] }
    expect(shapeOf(ourRest)).toMatchObject(shapeOf(theirRest) as object)
    const ourSettings = new Map(oursOf.map((setting) => [setting.name, setting]))
    for (const setting of theirsOf)
      expect(shapeOf(ourSettings.get(setting.name))).toMatchObject(
        shapeOf({ ...setting, description: '' }) as object,
      )
  })

  it('of an answer, the id of its feed, is the same', async () => {
    const of = answers.filter(({ answer }) => answer.body.includes('"feedId"'))
    expect(of.length).toBeGreaterThan(20)
    for (const one of of) {
      const [ours, theirs] = (await both(one)) as [{ meta: unknown }, { meta: unknown }]
      expect(ours.meta).toEqual(theirs.meta)
    }
  })
})
