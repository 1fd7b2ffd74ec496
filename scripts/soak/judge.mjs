/** Whether a process grows, by what the probe has seen of it. */

/** RS-2: so much the heap may grow in an hour. */
const MOST_GROWTH_AN_HOUR = 0.01
const HOUR_MS = 3_600_000
/** A run that is judged for less than this cannot tell so little: for so long the engine itself goes on compiling. */
const LONG_MS = 1_500_000
/** So much its heap may grow in all. A kilobyte for each feed that comes and goes is more. */
const MOST_GROWTH_OF_SHORT = 0.03
/** The first part is for caches to fill. */
const WARM_UP = 1 / 2
/** Fewer samples say nothing. */
const LEAST_SAMPLES = 9
/** A loop that is no later than this is on time. */
const LAG_MS = 50
const LAG_FACTOR = 1.5

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

/** The line through points by least squares: how much it rises for each step of x, and how sure that is (the standard error). */
export const lineThrough = (points) => {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x0, y0] = [mean(([x]) => x), mean(([, y]) => y)]
  const sxx = points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0)
  const rise = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) / sxx
  const rest = points.reduce((sum, [x, y]) => sum + (y - y0 - rise * (x - x0)) ** 2, 0)
  return { rise, error: Math.sqrt(rest / Math.max(1, points.length - 2) / sxx) }
}

/** It grows if even the least that the line may rise is more than what is allowed. */
const heapProblem = (samples) => {
  const { rise, error } = lineThrough(samples.map(({ atMs, heap }) => [atMs, heap]))
  const size = median(samples.map(({ heap }) => heap))
  const anHour = ((rise - 3 * error) * HOUR_MS) / size
  const spanMs = samples.at(-1).atMs - samples[0].atMs
  const allowed = spanMs < LONG_MS ? (MOST_GROWTH_OF_SHORT * HOUR_MS) / spanMs : MOST_GROWTH_AN_HOUR
  if (!(anHour > allowed)) return undefined
  const percent = Math.round(anHour * 1_000) / 10
  return `the heap grows by at least ${percent} % an hour, from about ${Math.round(size / 1e5) / 10} MB`
}

/** The first and the last third. */
const endsOf = (samples) => {
  const third = Math.floor(samples.length / 3)
  return [samples.slice(0, third), samples.slice(-third)]
}

/** What comes and goes has grown if it is never again what it once was at most. */
const countProblem = (samples, what) => {
  const [before, after] = endsOf(samples).map((part) => part.map((sample) => sample[what]))
  const [most, least] = [Math.max(...before), Math.min(...after)]
  return least > most ? `${what}: at most ${most} once, at least ${least} now` : undefined
}

const lagProblem = (samples) => {
  const [before, after] = endsOf(samples).map((part) => median(part.map(({ lagMs }) => lagMs)))
  if (after <= LAG_MS || after <= before * LAG_FACTOR) return undefined
  return `the event loop is ${Math.round(after)} ms late, ${Math.round(before)} ms before`
}

/**
 * @param samples - of one process, in their order: `{ atMs, heap, timers, sockets, handles, lagMs }`
 * @returns what is wrong, in words
 */
export const problemsOf = (samples) => {
  if (samples.length < LEAST_SAMPLES) return [`only ${samples.length} samples`]
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP))
  const counts = ['timers', 'sockets', 'handles'].map((what) => countProblem(warm, what))
  return [heapProblem(warm), ...counts, lagProblem(warm)].filter(Boolean)
}

/** The samples in what the probe has written, by process. */
export const samplesIn = (text) => {
  const processes = new Map()
  for (const line of text.split('\n').filter(Boolean)) {
    const sample = JSON.parse(line)
    processes.set(sample.pid, [...(processes.get(sample.pid) ?? []), sample])
  }
  return processes
}
