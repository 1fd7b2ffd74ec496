/**
 * Asks the reference framework a fixed list of requests, valid and invalid, and writes what it answers to test/fixtures/reference/answers.json,
 * where `test/http/reference-answers.test.ts` holds ours against it (HT-1). To be run when the list changes:
 *
 *   node scripts/record-answers.mjs [--reference-folder <folder>]
 */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values } = parseArgs({
  options: {
    'reference-folder': {
      type: 'string',
      default: join(root, 'dist/compat/reference/node_modules/@chainlink/external-adapter-framework'),
    },
  },
})
const reference = resolve(values['reference-folder'])
Object.assign(process.env, {
  EA_PORT: '0',
  LOG_LEVEL: 'fatal',
  CACHE_POLLING_MAX_RETRIES: '0',
  METRICS_ENABLED: 'true',
  npm_package_version: '1.2.3',
})

const require = createRequire(join(reference, 'index.js'))
const { Adapter, AdapterEndpoint } = require(join(reference, 'adapter'))
const { SubscriptionTransport } = require(join(reference, 'transports/abstract/subscription'))
const { InputParameters } = require(join(reference, 'validation'))
const { start } = require(reference)
const { makeAdapter } = createRequire(import.meta.url)('../test/fixtures/reference/adapter.cjs')

const JSON_TYPE = { 'content-type': 'application/json' }
const pair = (base, quote = 'USD') => ({ base, quote })
const price = (data) => ({ data })
const many = (data) => ({ endpoint: 'many', data })

const bodies = [
  ...['ETH', 'eth', 'Eth', 'TEXT', 'NONE', 'BTC', 'X', 'DOGE', '', '😀'].map((base) => price(pair(base))),
  price({ from: 'ETH', market: 'USD' }),
  price({ coin: 'ETH', to: 'usd' }),
  price({ quote: 'USD', base: 'ETH' }),
  price({ ...pair('ETH'), more: 1, zz: { a: [] } }),
  { id: '1', jobRunID: 5, meta: {}, ...price(pair('ETH')) },
  { endpoint: 'price', ...price(pair('ETH')) },
  { endpoint: 'CRYPTO', ...price(pair('ETH')) },
  { data: { endpoint: 'crypto', ...pair('ETH') } },
  { endpoint: '', ...price(pair('ETH')) },
  { endpoint: 'nope', ...price(pair('ETH')) },
  { data: { endpoint: 'nope' } },
  { endpoint: 'nope', data: { endpoint: 'price', ...pair('ETH') } },
  {},
  { data: null },
  { data: {} },
  { data: [] },
  ...['x', 5, true].map((data) => ({ data })),
  price({ base: 'ETH' }),
  price({ quote: 'USD' }),
  price({ base: 'ETH', from: 'ETH', quote: 'USD' }),
  price({ base: 'ETH', coin: 'BTC', quote: 'USD' }),
  price({ base: '', from: 'ETH', quote: 'USD' }),
  ...[5, true, null, {}, [], ['ETH']].map((base) => price(pair(base))),
  price({ ...pair('ETH'), overrides: { test: { ETH: 'BTC' } } }),
  price({ ...pair('ETH'), overrides: { TEST: { ETH: 'BTC' } } }),
  price({ ...pair('ETH'), overrides: { other: { ETH: 'BTC' } } }),
  price({ ...pair('ETH'), overrides: 'x' }),
  price({ ...pair('ETH'), overrides: { test: 5 } }),
  price({ ...pair('ETH'), overrides: { test: { ETH: 5 } } }),
  price({ ...pair('ETH'), transport: 'nope' }),
  many({}),
  many({ amount: 1 }),
  many({ amount: 1, kind: 'spot' }),
  many({ amount: 2, kind: 'swap', list: ['a', 'b'], nested: { a: 1, b: true } }),
  many({ nested: { b: true, a: 1 }, list: ['a', 'b'], kind: 'swap', amount: 2 }),
  many({ amount: 2, kind: 'swap', list: ['b', 'a'], nested: { a: 1, b: true } }),
  ...['1', true, null, {}, [], -1, 1e300].map((amount) => many({ amount })),
  ...['other', '', 5, null].map((kind) => many({ kind })),
  ...['a', [], [1], ['a', 1], [null], {}].map((list) => many({ list })),
  ...[{}, { a: '1' }, { a: 1, c: 2 }, { b: true }, 'x', [], null].map((nested) => many({ nested })),
]

const raw = ['', ' ', 'null', '5', '"x"', '[]', '{', '{}{}', '<a/>', '{"data":{"base":NaN}}', '\ufeff{}'].map(
  (payload) => ({ payload }),
)
raw.push(
  { payload: '{"data":{"__proto__":{"base":"ETH"}}}' },
  { payload: '{"data":{"constructor":{"prototype":{}}}}' },
)
raw.push({
  payload: `{"data":{"base":"ETH","quote":"${'x'.repeat(1_100_000)}"}}`,
  name: 'a body above the limit',
})

const typed = [
  'application/json; charset=utf-8',
  'Application/JSON',
  'application/xml',
  'text/plain',
  'text/html',
  'json',
  undefined,
].map((type) => ({
  payload: JSON.stringify(price(pair('ETH'))),
  headers: type === undefined ? {} : { 'content-type': type },
}))

const other = [
  ['GET', '/'],
  ['PUT', '/'],
  ['POST', '/price'],
  ['POST', '/?x=1'],
  ['GET', '/health'],
  ['GET', '/health/'],
  ['GET', '/nope'],
  ['HEAD', '/health'],
  ['GET', '/status'],
].map(([method, url]) => ({
  method,
  url,
  ...(method === 'POST' || method === 'PUT' ? { payload: JSON.stringify(price(pair('ETH'))) } : {}),
}))

/** The same in every run. */
const random = (() => {
  let state = 20_261_130
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
})()
const pick = (list) => list[random(list.length)]
const NAMES = [
  'base',
  'from',
  'coin',
  'quote',
  'to',
  'market',
  'amount',
  'kind',
  'list',
  'nested',
  'endpoint',
  'more',
  'constructor',
]
const VALUES = [
  'ETH',
  'eth',
  'USD',
  'BTC',
  'spot',
  'price',
  'many',
  '',
  0,
  1,
  2,
  -1.5,
  true,
  null,
  [],
  ['a', 'b'],
  {},
  { a: 1 },
  { a: 1, b: true },
]
const generated = Array.from({ length: 150 }, () => {
  const data = Object.fromEntries(Array.from({ length: random(5) }, () => [pick(NAMES), pick(VALUES)]))
  const valid = random(3) === 0 ? pair('ETH') : {}
  return {
    ...(random(2) === 0 ? { endpoint: pick(['price', 'many', 'Crypto', 'nope']) } : {}),
    data: { ...valid, ...data },
  }
})

const requests = [...bodies, ...generated]
  .map((body) => ({ payload: JSON.stringify(body) }))
  .concat(raw, typed, other)
  .map((request) => ({ method: 'POST', url: '/', headers: JSON_TYPE, ...request }))

const { adapter, fill } = makeAdapter({ Adapter, AdapterEndpoint, InputParameters, SubscriptionTransport })
const { api } = await start(adapter)
await fill()
const answers = []
for (const { name, ...request } of requests) {
  const { statusCode, headers, body } = await api.inject(request)
  // Bodies that are long say nothing that their beginning does not.
  const asked =
    name === undefined ? request : { ...request, payload: undefined, name, length: request.payload.length }
  answers.push({ request: asked, answer: { statusCode, headers, body } })
}
const file = join(root, 'test/fixtures/reference/answers.json')
writeFileSync(file, `[\n${answers.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`)
console.log(
  `${answers.length} answers of ${reference.split('/').at(-1)} ${require(join(reference, 'package.json')).version}`,
)
process.exit(0)
