import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProcessState } from '../../../src/http/process-state'
import { WorkerViews } from '../../../src/service/workers/worker-views'
import { type Answer } from '../../../src/service/workers/writer-link'

const DOWN = { code: 'WRITER_DOWN', message: 'gone', sinceUnixMs: 1 }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 })
})
afterEach(() => vi.useRealTimers())

const start = () => {
  let answer: Answer = { failure: DOWN }
  const link = { look: () => Promise.resolve(answer) }
  const views = new WorkerViews(new ProcessState(), link, () => [])
  return { views, answers: (next: Answer) => (answer = next) }
}

describe('the pages of a worker', () => {
  it('LC-1: name the writer when it has not answered for a minute, and what hangs in it when it does', async () => {
    const { views, answers } = start()
    expect(await views.liveness()).toEqual({ loops: 1, hanging: [], restarted: [], stalls: [] })
    vi.advanceTimersByTime(60_000)
    expect((await views.liveness()).hanging).toEqual([])
    vi.advanceTimersByTime(1)
    const late = { loop: 'the writer, by its answers', sinceUnixMs: 1_000_000, withinMs: 60_000 }
    expect((await views.liveness()).hanging).toEqual([late])
    const hanging = [{ loop: 'execute loop', sinceUnixMs: 5, withinMs: 6 }]
    const restarted = [{ adapter: 'A', count: 1, lastUnixMs: 7, because: 'late' }]
    answers({ said: { loops: 3, hanging, restarted, stalls: [] } })
    expect(await views.liveness()).toEqual({ loops: 4, hanging, restarted, stalls: [] })
    // Nobody asked for an hour: that is no silence of the writer.
    vi.advanceTimersByTime(3_600_000)
    answers({ failure: undefined })
    expect((await views.liveness()).hanging).toEqual([])
  })

  it('show what the writer knows, or why it does not say', async () => {
    const { views, answers } = start()
    expect(await views.readiness()).toEqual({ adapters: [], writer: DOWN })
    const adapters = [{ adapter: 'TEST', shares: [], minShare: 0, essential: 0, missing: [] }]
    answers({ said: { adapters } })
    expect(await views.readiness()).toEqual({ adapters })
  })
})
