import { readFile, stat } from 'node:fs/promises'
import { ConfigError } from '../../config/config-error'
import { metrics } from '../../metrics/registry'
import { makeLogger } from '../../util/logging'
import { type Heart, type Heartbeats } from '../../util/heartbeats'
import { messageOf } from '../../util/objects'
import { type FeedNaming, namesOf } from './pattern'
import { LimitsError, type Rules, RulesReader } from './rules'
import { type Limits } from './schema'
import { type LimitsStatus } from './limits-status'

const logger = makeLogger('FeedLimits')

/** How often the file is checked, and the errors of withdrawn feeds are renewed where necessary, in ms. */
export const LOOK_MS = 1_000
/**
 * So long a look may take. One that hangs is not replaced by another, which would hang as well: a process has four threads for files and
 * for the names of hosts.
 */
const LOOK_WITHIN_MS = 30_000
/** A file that was changed less than so many ms before the check is read again: the next change may leave the same size and times. */
const YOUNG_MS = 2_000
const MAX_NAMED = 20
/** A larger file is refused: nobody writes such a list of limits. */
const MAX_BYTES = 1_048_576

/** Feeds under these limits. */
export interface Governed {
  /** Called when the limits have changed. @returns the names of the feeds whose limits are other ones now */
  apply(): string[]
  /** Called every {@link LOOK_MS}, to renew the errors of withdrawn feeds. */
  renew(): void
}

/** The file as it was read last. */
interface Look {
  /** Changes when the file is changed, as far as the file system tells. */
  mark: string
  text: string
}

const isText = (setting: string): boolean => setting.startsWith('{')

/**
 * The limits that an operator sets for single feeds of one adapter with the setting FEED_LIMITS. That is JSON, or the path of a file with
 * JSON, which is read again when it has changed. Where the new content cannot be used, the limits stay as they were.
 */
export class FeedLimits {
  /** Changes whenever the limits change. */
  mark = 1
  /** Whether this process writes the feeds. Other processes only read what the writer stores. */
  isGoverning = false
  /** Whether the file is being checked now. */
  isLooking = false
  private readonly governed = new Set<Governed>()
  private unpublish: (() => void) | undefined
  private timer: NodeJS.Timeout | undefined
  private heart: Heart | undefined
  private isStopped = false
  private lastError: string | undefined
  /** What was wrong with the file since it was good last, be it reported or not. */
  private suspect: string | undefined
  private rejected = 0
  private readUnixMs = Date.now()

  private constructor(
    private readonly path: string | undefined,
    private readonly adapter: string,
    private readonly reader: RulesReader,
    private look: Look | undefined,
    private rules: Rules,
  ) {}

  /**
   * @param variable - that has them, for problems
   * @throws ConfigError for a file that cannot be read, and for limits that cannot be used
   */
  static async open(setting: string, adapter: string, variable = 'FEED_LIMITS'): Promise<FeedLimits> {
    const value = setting.trim()
    const reader = new RulesReader()
    try {
      const look = isText(value) ? undefined : await lookAt(value)
      const rules = reader.read(look?.text ?? value)
      return new FeedLimits(look && value, adapter, reader, look, rules)
    } catch (error) {
      const where = error instanceof LimitsError && !isText(value) ? `${value}: ` : ''
      throw new ConfigError(problemsOf(error).map((problem) => `${variable}: ${where}${problem}`))
    }
  }

  limitsFor(naming: Omit<FeedNaming, 'adapter'>): Limits | undefined {
    return this.rules.limitsFor(namesOf({ adapter: this.adapter, ...naming }))
  }

  /** @returns a function that detaches them again */
  attach(governed: Governed): () => void {
    this.governed.add(governed)
    return () => void this.governed.delete(governed)
  }

  /** Whether any rule withdraws feeds. */
  get withdraws(): boolean {
    return this.rules.withdraws
  }

  /** Starts to check the file and to renew errors. JSON in the setting itself cannot change: it needs this only if it withdraws feeds. */
  start(loops?: Heartbeats): void {
    this.unpublish = metrics.publish('feedLimitsRejected', (counter) => {
      counter.inc({ app_name: this.adapter }, this.rejected)
    })
    if (this.path === undefined && !this.withdraws) return
    if (this.path !== undefined)
      this.heart = loops?.add(`looks at the FEED_LIMITS of ${this.adapter}`, LOOK_WITHIN_MS)
    this.timer = setInterval(() => this.turn(), LOOK_MS)
    this.timer.unref()
  }

  /** From now on this process writes the errors of withdrawn feeds, and removes cached values that changed limits do not allow. */
  govern(): void {
    this.isGoverning = true
    for (const one of this.governed) one.renew()
  }

  /** Ends all checks and the timer. */
  stop(): void {
    this.isStopped = true
    this.heart?.stop()
    clearInterval(this.timer)
    this.governed.clear()
    this.unpublish?.()
  }

  status(): LimitsStatus {
    const { path: source = 'text', readUnixMs, lastError } = this
    return { rules: this.rules.size, source, readUnixMs, ...(lastError === undefined ? {} : { lastError }) }
  }

  private turn(): void {
    for (const one of this.governed) one.renew()
    if (this.path === undefined || this.isLooking) return
    this.isLooking = true
    void this.lookAgain(this.path).finally(() => {
      this.isLooking = false
      this.heart?.beat()
    })
  }

  /** Never rejects. */
  private async lookAgain(path: string): Promise<void> {
    try {
      const look = await lookAt(path, this.look)
      if (this.isStopped) return
      const isSame = look.text === this.look?.text
      this.look = look
      if (isSame && this.suspect === undefined) return
      this.take(look.text)
    } catch (error) {
      if (!this.isStopped) this.reject(problemsOf(error).join('; '))
    }
  }

  /** @throws LimitsError */
  private take(text: string): void {
    this.rules = this.reader.read(text)
    this.suspect = this.lastError = undefined
    this.readUnixMs = Date.now()
    this.mark++
    const moved = [...this.governed].flatMap((one) => one.apply())
    const feeds = moved.slice(0, MAX_NAMED)
    logger.info(
      { adapter: this.adapter, rules: this.rules.size, moved: moved.length, feeds },
      'Feed limits were read again',
    )
  }

  /** A problem is reported only when two checks find it, because at one check a file may be half written, or missing for a moment. */
  private reject(problem: string): void {
    if (problem === this.lastError) return
    if (problem !== this.suspect) {
      this.suspect = problem
      return
    }
    this.lastError = problem
    this.rejected++
    const { adapter, path } = this
    logger.error({ adapter, path }, `Feed limits cannot be used, those before go on: ${problem}`)
  }
}

/** @param last - is returned where the file has not changed since */
const lookAt = async (path: string, last?: Look): Promise<Look> => {
  const file = await stat(path, { bigint: true })
  const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = file
  // Reading a pipe, for example, might never end.
  if (!file.isFile()) throw new Error(`${path} is no file`)
  if (size > MAX_BYTES) throw new Error(`${path} has more than ${MAX_BYTES} bytes`)
  const mark = [dev, ino, size, mtimeNs, ctimeNs].join()
  const isYoung = Date.now() - Number(mtimeMs) < YOUNG_MS
  if (last?.mark === mark && !isYoung) return last
  return { mark, text: await readFile(path, 'utf8') }
}

const problemsOf = (error: unknown): readonly string[] =>
  error instanceof LimitsError ? error.problems : [messageOf(error)]
