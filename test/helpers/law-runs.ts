import type fastCheck from 'fast-check'
import { vi } from 'vitest'

/** How many times as often laws are tried as in the daily run. */
const factor = Number(process.env['LAW_FACTOR'] ?? 1)
/** What inputs are generated from. They are new each time where it is not set. */
const seed = process.env['LAW_SEED']
const USUAL_RUNS = 100

const seeded = seed === undefined ? {} : { seed: Number(seed) }

vi.mock('fast-check', async (original) => {
  const module = await original<{ default: typeof fastCheck }>()
  const { assert: tried, sample: sampled } = module.default
  const assert = ((property, wishes) =>
    tried(property as never, {
      ...seeded,
      ...(wishes as object),
      numRuns: (wishes?.numRuns ?? USUAL_RUNS) * factor,
    })) as typeof tried
  const sample = ((of, wishes) =>
    sampled(of as never, {
      ...seeded,
      ...(typeof wishes === 'number' ? { numRuns: wishes } : wishes),
    })) as typeof sampled
  return { ...module, assert, sample, default: { ...module.default, assert, sample } }
})
