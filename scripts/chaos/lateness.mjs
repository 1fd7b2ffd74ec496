/** How late what was sent may arrive in a world: what the machine was seen to need, and through what it slept. Pure: it is told all it knows. */

/** How long a message may be on its way on a machine that has nothing else to do. */
const LAG_MS = 700
/** What answers took in this time says how slow the machine is. */
const SLOW_MS = 3_000

const sum = (sleeps) => sleeps.reduce((total, { fromMs, untilMs }) => total + untilMs - fromMs, 0)

export class Lateness {
  #sleeps = []
  #delays = []

  /** The machine has slept. */
  slept(fromMs, untilMs) {
    this.#sleeps.push({ fromMs, untilMs })
  }

  /** An answer has come. */
  timed({ askedMs, answeredMs }) {
    const awakeMs = answeredMs - sum(this.#sleeps)
    this.#delays.push({ awakeMs, tookMs: answeredMs - askedMs })
    while (this.#delays[0].awakeMs < awakeMs - SLOW_MS) this.#delays.shift()
  }

  /** By how much anything may take longer than on an idle machine. */
  get slackMs() {
    return 2 * Math.max(0, ...this.#delays.map(({ tookMs }) => tookMs))
  }

  /** When something had arrived at the latest. What was sent shortly before the machine fell asleep is read when it wakes. */
  receivedBy(sentMs) {
    let byMs = sentMs + LAG_MS + this.slackMs
    for (const { fromMs, untilMs } of this.#sleeps)
      if (byMs >= fromMs && sentMs <= untilMs) byMs = Math.max(byMs, untilMs + LAG_MS)
    return byMs
  }

  /** For how long the machine slept while this was on its way. */
  heldUp(sentMs) {
    const byMs = sentMs + LAG_MS + this.slackMs
    return sum(this.#sleeps.filter(({ fromMs, untilMs }) => sentMs <= untilMs && byMs >= fromMs))
  }
}
