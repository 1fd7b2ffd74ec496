import { type ChildProcess } from 'node:child_process'
import { Retry } from '../../connections/retry'
import { makeLogger } from '../../util/logging'
import { sleep } from '../../util/sleep'
import { type ChildMessage, type Page, type PageAnswer, type SupervisorMessage } from './control'
import { afterDeath } from './restarts'

const logger = makeLogger('Supervisor')

/** A process may be silent this long before its first beat and after it. Then it has a last chance for as long as the third says. */
const FIRST_BEAT_MS = 60_000
const SILENCE_MS = 10_000
const LAST_CHANCE_MS = 5_000

type Answer = Extract<ChildMessage, { id: number }>

type Life =
  | { state: 'none' }
  | { state: 'starting' | 'ready'; child: ChildProcess; startedAtMs: number }
  | { state: 'waiting' }

/** What happens to a kept process. */
export interface Events {
  ready: (of: { adapters: string[]; url?: string }) => void
  /** It cannot start, and says why. It is ended, and started again unless it has been stopped. */
  failed: (message: string) => void
}

/** Keeps a process running until it is stopped: whenever it ends, it is started again soon. A process that is silent is ended. */
export class KeptProcess {
  /** How often it has died and is started again. */
  restartCount = 0
  private life: Life = { state: 'none' }
  private readonly restarts = new Retry(afterDeath())
  private isStopping = false
  private silence: NodeJS.Timeout | undefined
  private readonly ended = new Set<() => void>()
  private readonly questions = new Map<number, (answer: Answer | undefined) => void>()
  private asked = 0

  constructor(
    readonly name: string,
    private readonly fork: () => ChildProcess,
    private readonly events: Events,
  ) {}

  get isReady(): boolean {
    return this.life.state === 'ready'
  }

  start(): void {
    const child = this.fork()
    this.life = { state: 'starting', child, startedAtMs: performance.now() }
    this.listenFor(child, FIRST_BEAT_MS)
    child.on('message', (message: ChildMessage) => this.receive(child, message))
    child.on('error', (err) => {
      logger.error({ err }, `${this.name}: ${err.message}`)
      // A process that could not be made has no `exit` event.
      if (child.pid === undefined) this.died(child, 'it could not be started')
    })
    child.on('exit', (code, signal) => this.died(child, signal ?? `code ${code}`))
  }

  /** Its metrics as text for Prometheus; undefined when it is not ready or does not answer in time. Never rejects. */
  async metrics(patienceMs: number): Promise<string | undefined> {
    const answer = await this.ask((id) => ({ type: 'metrics', id }), patienceMs)
    return answer?.type === 'metrics' ? answer.text : undefined
  }

  /** A page for operators; undefined when it is not ready or does not answer in time. Never rejects. */
  async page(page: Page, patienceMs: number): Promise<PageAnswer | undefined> {
    const answer = await this.ask((id) => ({ type: 'page', id, page }), patienceMs)
    return answer?.type === 'page' ? answer.answer : undefined
  }

  private async ask(
    question: (id: number) => SupervisorMessage,
    patienceMs: number,
  ): Promise<Answer | undefined> {
    if (this.life.state !== 'ready') return undefined
    const id = this.asked++
    const over = new AbortController()
    const answered = new Promise<Answer | undefined>((resolve) => this.questions.set(id, resolve))
    this.tell(question(id))
    const answer = await Promise.race([answered, sleep(patienceMs, over.signal).then(() => undefined)])
    over.abort()
    this.questions.delete(id)
    return answer
  }

  /** Asks it to end, and kills it if it has not ended after `patienceMs`. Resolves when it has ended. */
  async stop(patienceMs: number): Promise<void> {
    this.isStopping = true
    if (this.life.state === 'waiting') {
      this.restarts.stop()
      this.life = { state: 'none' }
    }
    if (this.life.state === 'none') return
    const end = new Promise<void>((resolve) => this.ended.add(resolve))
    this.tell({ type: 'stop' })
    const over = new AbortController()
    await Promise.race([end, sleep(patienceMs, over.signal)])
    over.abort()
    this.kill()
    await end
  }

  /** Kills it at once. */
  kill(): void {
    if (this.life.state === 'starting' || this.life.state === 'ready') this.life.child.kill('SIGKILL')
  }

  private receive(child: ChildProcess, message: ChildMessage): void {
    if (!('child' in this.life) || this.life.child !== child) return
    this.listenFor(child, SILENCE_MS)
    switch (message.type) {
      case 'beat':
        return
      case 'ready':
        this.life = { ...this.life, state: 'ready' }
        logger.info({ child: child.pid }, `${this.name} is ready`)
        return this.events.ready(message)
      case 'failed':
        this.events.failed(message.message)
        return void child.kill('SIGKILL')
      case 'metrics':
      case 'page':
        return this.questions.get(message.id)?.(message)
    }
  }

  /**
   * LC-1: a process that runs but does nothing is ended. This needs two timeouts: after this process itself was held up (a suspended
   * machine), the timer fires before the beats that have come meanwhile are read.
   */
  private listenFor(child: ChildProcess, patienceMs: number): void {
    clearTimeout(this.silence)
    this.silence = setTimeout(() => {
      this.silence = setTimeout(() => {
        logger.error({ child: child.pid }, `${this.name} has fallen silent, and is ended`)
        child.kill('SIGKILL')
      }, LAST_CHANCE_MS)
    }, patienceMs)
  }

  private died(child: ChildProcess, how: string): void {
    if (!('child' in this.life) || this.life.child !== child) return
    const livedMs = performance.now() - this.life.startedAtMs
    clearTimeout(this.silence)
    for (const answer of this.questions.values()) answer(undefined)
    this.life = { state: 'none' }
    if (this.isStopping) {
      for (const resolve of this.ended) resolve()
      return
    }
    const { delayMs } = this.restarts.again({ livedMs }, () => this.start())
    this.restartCount++
    this.life = { state: 'waiting' }
    logger.error(
      { child: child.pid },
      `${this.name} died (${how}); the next one starts in ${Math.round(delayMs)} ms`,
    )
  }

  private tell(message: SupervisorMessage): void {
    if (!('child' in this.life) || !this.life.child.connected) return
    // A failure is ignored: if the process dies meanwhile, its `exit` event says so.
    this.life.child.send(message, () => {})
  }
}
