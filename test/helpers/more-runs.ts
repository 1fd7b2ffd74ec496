import type fastCheck from 'fast-check'
import { vi } from 'vitest'

/** How many times as often laws are tried as in the daily run. */
const factor = Number(process.env['LAW_FACTOR'])
const USUAL_RUNS = 100

vi.mock('fast-check', async (original) => {
  const module = await original<{ default: typeof fastCheck }>()
  const more = (of: { numRuns?: number } | undefined) => ({
    ...of,
    numRuns: (of?.numRuns ?? USUAL_RUNS) * factor,
  })
  const assert = ((property, parameters) =>
    module.default.assert(property as never, more(parameters))) as typeof fastCheck.assert
  return { ...module, assert, default: { ...module.default, assert } }
})
