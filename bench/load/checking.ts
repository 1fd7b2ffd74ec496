import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from './connection'
import { checkValue, type LoadOptions } from './options'
import { nodeRequestFor, requestFor } from './request'

/** Seldom enough to be no load. */
const LOOK_EVERY_MS = 5

/** A connection beside the load, on which values are looked at: the feeds in turn, in requests of the same form. */
export class Checking implements AsyncDisposable {
  /** How many were good. */
  answers = 0
  /** Rejects with the first that is not. */
  readonly failure: Promise<never>
  private isStopped = false
  private readonly looking: Promise<void>

  private constructor(
    private readonly options: LoadOptions,
    private readonly connection: Connection,
  ) {
    this.looking = this.look()
    this.failure = this.looking.then(() => new Promise<never>(() => {}))
    // Whoever waits for something of the load hears of it.
    this.failure.catch(() => {})
  }

  static async start(options: LoadOptions): Promise<Checking> {
    return new Checking(options, await Connection.open(options.port))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isStopped = true
    await this.looking.catch(() => {})
    this.connection.close()
  }

  private async look(): Promise<void> {
    const { bases, check, asNode = false } = this.options
    for (let turn = 0; !this.isStopped; turn++) {
      const base = bases[turn % bases.length] as string
      const answer = await this.connection.ask(asNode ? nodeRequestFor(base) : requestFor(base))
      checkValue(answer, base, check)
      this.answers++
      await pause(LOOK_EVERY_MS)
    }
  }
}
