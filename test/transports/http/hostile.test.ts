import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { type Hostile, hostile, watchProcess } from '../../helpers/hostile'
import { eventually, PATIENT } from '../../helpers/eventually'
import { type Answer, httpAdapter, httpProvider, oneByOne } from './support'

const HEADERS: Record<string, string>[] = [
  {},
  { 'content-type': 'text/html' },
  { 'content-encoding': 'gzip' },
  { 'content-encoding': 'br' },
]

const answerWith = ({ bytes, kind }: Hostile, at: number): Answer => {
  const headers = HEADERS[at % HEADERS.length]!
  const isGzip = kind === 'text' && headers['content-encoding'] === 'gzip'
  return { headers, raw: isGzip ? gzipSync(bytes) : bytes }
}

it('IS-2, IS-3: whatever bytes an HTTP provider answers with cost their own feed only, and nothing escapes', async () => {
  using watch = watchProcess()
  const answers = new Map<string, Answer>()
  await using provider = await httpProvider((path) => answers.get(path) ?? { body: { price: 7 } })
  const env = { ...PATIENT, RETRY: '0', RATE_LIMIT_CAPACITY_SECOND: '1000' }
  await using service = await serve(() => httpAdapter(oneByOne(provider.url)), { env })
  let round = 0
  const run = async (ones: Hostile[]) => {
    round++
    const bad = ones.map((_, at) => `R${round}-${at}`)
    ones.forEach((one, at) => answers.set(`/${bad[at]}`, answerWith(one, at)))
    for (const base of bad) void service.post({ base })
    const good = await service.post({ base: `GOOD${round}` })
    expect(good.json.result).toBe(7)
    await eventually(() =>
      expect(bad.filter((base) => !provider.asked.some(({ path }) => path === `/${base}`))).toEqual([]),
    )
  }
  const batches = fc.array(hostile('{"price":1}'), { minLength: 10, maxLength: 30 })
  await fc.assert(fc.asyncProperty(batches, run), { numRuns: 8, endOnFailure: true })
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(watch.escaped).toEqual([])
})
