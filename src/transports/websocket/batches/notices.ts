import { named } from '../../../util/line-owner'
import { makeLogger } from '../../../util/logging'
import { beginningOf } from '../../../util/redaction'

const INTERVAL_MS = 60_000
const MAX_TEXTS = 20
const MAX_CHARACTERS = 300

/** Logs what a provider says that concerns no feed: each text at most once a minute, and few of them (OB-4). */
export class Notices {
  private readonly saidAt = new Map<string, number>()
  private readonly logger: ReturnType<typeof makeLogger>

  /** @param whose - what belongs to the adapter whose provider it is */
  constructor(
    private readonly provider: string,
    private readonly whose: object,
  ) {
    this.logger = makeLogger(provider)
  }

  /** @returns what is shown of it */
  say(text: unknown, now: number): string {
    const shown = beginningOf(String(text), MAX_CHARACTERS, '')
    for (const [said, at] of this.saidAt) if (now - at >= INTERVAL_MS) this.saidAt.delete(said)
    if (this.saidAt.has(shown) || this.saidAt.size >= MAX_TEXTS) return shown
    this.saidAt.set(shown, now)
    named(this.logger, this.whose).warn({ text: shown }, `${this.provider} sent a notice`)
    return shown
  }
}
