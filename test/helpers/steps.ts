import { Session } from 'node:inspector/promises'
import { setFlagsFromString } from 'node:v8'

const OURS = /\/src\/(?!testing\/)/

/**
 * How many pieces of code of `src/` were executed while the work went on: each block counts as often as it was entered. It tells how cost
 * grows, without a clock.
 */
export const steps = async (work: () => Promise<void>): Promise<number> => {
  // Optimised code does not count the calls of functions.
  setFlagsFromString('--no-opt')
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  try {
    await work()
    const { result } = await session.post('Profiler.takePreciseCoverage')
    return result
      .filter(({ url }) => OURS.test(url))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
      .reduce((sum, count) => sum + count, 0)
  } finally {
    await session.post('Profiler.stopPreciseCoverage')
    session.disconnect()
    setFlagsFromString('--opt')
  }
}
