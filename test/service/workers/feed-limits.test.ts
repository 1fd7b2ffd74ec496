import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Background } from '../../../src/adapter/background'
import { buildAdapterServer } from '../../../src/http/server'
import { WorkerAdapters } from '../../../src/service/workers/worker-adapters'
import { WriterAdapters } from '../../../src/service/workers/writer-adapters'
import { StartedAdapter } from '../../../src/service/started-adapter'
import { withEnv } from '../../../src/testing/env'
import { eventually } from '../../helpers/eventually'
import { keyOf, stillAdapter } from '../../http/support'
import { changed, holdClock, LimitsFile, limitsOf, pass, SAYS, WITHDRAWN } from '../feed-limits-support'

const ETH = { base: 'ETH', quote: 'USD' }
const ends: (() => unknown)[] = []
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'limits-workers-'))
  ends.push(() => rmSync(directory, { recursive: true, force: true }))
  holdClock()
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  vi.useRealTimers()
})

/** A writer and a worker with the same file of limits. */
const start = async (limits: object) => {
  const file = new LimitsFile(limits)
  ends.push(() => file[Symbol.dispose]())
  const env = withEnv({ CACHE_POLLING_MAX_RETRIES: '0', FEED_LIMITS: file.path })
  const [writer, worker] = [stillAdapter(), stillAdapter()]
  env.restore()
  const path = join(directory, 'link.sock')
  const writers = new WriterAdapters()
  await writer.adapter.initialize(writers.dependenciesOf(writer.adapter))
  await writers.listen(path)
  const background = new Background(writer.adapter)
  const stopWriter = async () => {
    writers.stop()
    await background.stop()
    await writer.adapter.disconnect()
  }
  ends.push(stopWriter)
  const workers = new WorkerAdapters(path)
  const started = await StartedAdapter.initialize(worker.adapter, workers.dependenciesOf(worker.adapter))
  const api = await buildAdapterServer(worker.adapter)
  workers.link.start()
  await workers.link.synchronised
  ends.push(async () => {
    await api.close()
    workers.link.stop()
    await started.stop()
  })
  const answer = async () => {
    const { statusCode, body } = await api.inject({ method: 'POST', url: '/', payload: { data: ETH } })
    const { result, errorMessage, error } = JSON.parse(body)
    return { statusCode, says: result ?? errorMessage ?? error?.reason?.message }
  }
  const answers = (statusCode: number, says: unknown) =>
    eventually(async () => expect(await answer()).toEqual({ statusCode, says }))
  return { file, writer, worker, answers, stopWriter, adapters: [writer.adapter, worker.adapter] }
}

describe('limits of single feeds in a writer and a worker', () => {
  it('withdraw a feed of the writer in the worker, and give it back', async () => {
    const { file, writer, worker, answers, adapters } = await start({})
    await writer.transport.put(ETH, 5)
    await answers(200, 5)
    await changed(() => file.write({ 'ETH/USD': WITHDRAWN }), ...adapters)
    await answers(502, SAYS)
    await writer.transport.put(ETH, 6)
    await pass(60_000)
    await answers(502, SAYS)
    expect(limitsOf(worker.adapter)).toMatchObject({ rules: 1, source: file.path })
    await changed(() => file.write({}), ...adapters)
    await writer.transport.put(ETH, 7)
    await answers(200, 7)
  })

  it('tell the first client of a withdrawn feed, which nobody has written to', async () => {
    const { answers } = await start({ 'ETH/USD': WITHDRAWN })
    await answers(502, SAYS)
  })

  it('end a value in the worker that is out of a tightened range, or shorten its life there', async () => {
    const { file, writer, worker, answers, adapters } = await start({})
    await writer.transport.put(ETH, 5)
    await answers(200, 5)
    const endOf = () => worker.local().read(keyOf('eth', 'usd'))?.expirationTimestamp
    await changed(() => file.write({ '*': { maxAgeMs: 20_000 } }), ...adapters)
    await eventually(() => expect(endOf()).toBeLessThanOrEqual(Date.now() + 20_000))
    await answers(200, 5)
    await changed(() => file.write({ '*': { max: 4 } }), ...adapters)
    await answers(504, 'The last value was refused: out-of-range')
    await writer.transport.put(ETH, 4)
    await answers(200, 4)
  })

  it('end a value in the worker while the writer is away', async () => {
    const { file, writer, worker, answers, stopWriter } = await start({})
    await writer.transport.put(ETH, 5)
    await answers(200, 5)
    await stopWriter()
    await changed(() => file.write({ 'ETH/USD': WITHDRAWN }), worker.adapter)
    expect(worker.local().read(keyOf('eth', 'usd'))).toBeUndefined()
  })
})
