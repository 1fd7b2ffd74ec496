/** What is tried, and what was wrong in it: by the answer of every feed, and by what the venue has counted. */

/** Clients that ask at once. */
const CLIENTS = 20

/**
 * Asks for every feed.
 *
 * @param plan - see `planOf`
 * @param ask - `(symbol) => ({ status, body })`, may return a promise
 * @returns how many good feeds have a value, which do not, how often each reason of a bad one was given, and which of these have none
 */
export async function stateOf({ symbols, bad }, ask) {
  const state = { fresh: 0, down: [], named: new Map(), unnamed: [] }
  const queue = [...symbols]
  const client = async () => {
    for (let symbol = queue.pop(); symbol !== undefined; symbol = queue.pop()) {
      const { status, body } = await ask(symbol)
      const code = body.error?.reason?.code
      if (!bad.has(symbol)) {
        if (status === 200) state.fresh++
        else state.down.push(`${symbol}: ${code ?? status}`)
      } else if (status === 200 || code === undefined) state.unnamed.push(`${symbol}: ${status}`)
      else state.named.set(code, (state.named.get(code) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return state
}

const some = (list) => list.slice(0, 5).join(', ')

/** In words; empty when every good feed has a value, and every bad one a reason with a name. */
export const problemsOf = ({ down, unnamed }) => [
  ...(down.length > 0 ? [`${down.length} good feeds down: ${some(down)}`] : []),
  ...(unnamed.length > 0 ? [`${unnamed.length} bad feeds without a name: ${some(unnamed)}`] : []),
]

/** In words; empty when the venue has counted no broken limit. */
export const brokenIn = ({ broken }) =>
  Object.entries(broken)
    .filter(([, times]) => times > 0)
    .map(([limit, times]) => `the venue counted ${times} times: ${limit}`)

const lineOf = (plan, { fresh, down, named, unnamed }) => {
  const reasons = [...named].map(([code, count]) => `${code} ${count}`).join(', ')
  const few = down.length > 0 && down.length < 12 ? `; down: ${down.join(', ')}` : ''
  return `${fresh} of ${plan.good.length} good feeds fresh; bad: ${reasons || 'none named'}; without a name ${unnamed.length}${few}`
}

/**
 * Runs through the plan: a time to find what is bad, in which the venue restarts, and one in which all has to be in order.
 *
 * @param of.ask - as for {@link stateOf}
 * @param of.nowMs, of.pause - the clock that the adapter and the venue go by
 * @param of.restart - restarts the venue
 * @param of.say - is told a line about each look
 * @returns what was wrong once there had been time to find it, in words
 */
export async function tryOut(plan, { ask, nowMs, pause, restart, say = () => {} }) {
  const { settleMs, watchMs, restartAtMs } = plan.numbers
  const beganMs = nowMs()
  const elapsedMs = () => nowMs() - beganMs
  const when = () => `${Math.round(elapsedMs() / 1_000)} s`
  const roundMs = Math.min(10_000, watchMs / 4)
  const look = async (label) => {
    const state = await stateOf(plan, ask)
    say(`${when().padStart(6)} ${label}: ${lineOf(plan, state)}`)
    await pause(roundMs)
    return problemsOf(state).map((problem) => `at ${when()}: ${problem}`)
  }
  for (let wasRestarted = false; elapsedMs() < settleMs; await look('finding')) {
    if (wasRestarted || elapsedMs() < restartAtMs) continue
    wasRestarted = true
    say(`${when().padStart(6)} the venue restarts`)
    restart()
  }
  const problems = []
  while (elapsedMs() < settleMs + watchMs) problems.push(...(await look('watching')))
  return problems
}
