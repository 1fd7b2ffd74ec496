import { type ChildProcess } from 'node:child_process'
import { type Socket } from 'node:net'
import { type SilentProcess } from '../../http/process-state'
import { Retry } from '../../connections/retry'
import { makeLogger } from '../../util/logging'
import { sleep } from '../../util/sleep'
import { type ChildMessage, type Page, type PageAnswer, type SupervisorMessage } from './control'
import { afterDeath } from './restarts'

const logger = makeLogger('Supervisor')

/** While it starts, a process may be silent this long: it loads what it runs. */
const START_SILENCE_MS = 60_000
/** How often it is looked whether a process is silent. */
const LOOK_MS = 500
/** The part of its time after which a silent process is spoken of. */
const SAID_AFTER = 0.5

type Answer = Extract<ChildMessage, { id: number }>

type Life =
  | { state: 'none' }
  | { state: 'starting' | 'ready'; child: ChildProcess; startedAtMs: number }
  | { state: 'waiting' }

/** What happens to a kept process. */
export interface Events {
  ready: (of: { adapters: string[] }) => void
  /** Others can have its work: it is ready, or has ended. */
  changed?: () => void
  /** It has fallen silent, or is not any more. */
  silent?: () => void
  /** It cannot start, and says why. It is ended, and started again unless it has been stopped. */
  failed: (message: string) => void
}

/** Keeps a process running until it is stopped: whenever it ends, it is started again soon. A process that is silent is ended. */
export class KeptProcess {
  /** How often it has died and is started again. */
  restartCount = 0
  /** How often it was ended because it was silent. */
  silenceCount = 0
  /** Since when it is silent, and how long it may be; undefined while it answers. */
  silent: SilentProcess | undefined
  private life: Life = { state: 'none' }
  private readonly restarts = new Retry(afterDeath())
  private isStopping = false
  private looking: NodeJS.Timeout | undefined
  private silentLooks = 0
  private readonly ended = new Set<() => void>()
  private readonly questions = new Map<number, (answer: Answer | undefined) => void>()
  /** What has come of an answer in several parts, by the question. */
  private readonly parts = new Map<number, string[]>()
  private asked = 0

  constructor(
    readonly name: string,
    private readonly fork: () => ChildProcess,
    private readonly events: Events,
    private readonly silenceMs: number,
  ) {}

  get isReady(): boolean {
    return this.life.state === 'ready'
  }

  get isSilent(): boolean {
    return this.silent !== undefined
  }

  start(): void {
    const child = this.fork()
    this.life = { state: 'starting', child, startedAtMs: performance.now() }
    this.silentLooks = 0
    this.looking = setInterval(() => this.lookWhetherSilent(child), LOOK_MS)
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
    const parts: string[] = []
    const question = (id: number) => {
      this.parts.set(id, parts)
      return { type: 'metrics', id } as const
    }
    const answer = await this.ask(question, patienceMs)
    return answer?.type === 'metrics' ? [...parts, answer.text].join('') : undefined
  }

  /** A page for operators; undefined when it is not ready or does not answer in time. Never rejects. */
  async page(page: Page, patienceMs: number): Promise<PageAnswer | undefined> {
    const answer = await this.ask((id) => ({ type: 'page', id, page }), patienceMs)
    return answer?.type === 'page' ? answer.answer : undefined
  }

  /** Hands it the connection of a client. @returns whether it has taken it; false when it ended before that. Never rejects. */
  async take(socket: Socket): Promise<boolean> {
    const answer = await this.ask((id) => ({ type: 'connection', id }), undefined, socket)
    return answer?.type === 'taken'
  }

  /** Says something that needs no answer. */
  tell(message: SupervisorMessage, socket?: Socket): void {
    if (!('child' in this.life) || !this.life.child.connected) return
    // A failure is ignored: if the process dies meanwhile, its `exit` event says so.
    this.life.child.send(message, socket, { keepOpen: true }, () => {})
  }

  /** @param patienceMs - undefined: until it has ended */
  private async ask(
    question: (id: number) => SupervisorMessage,
    patienceMs: number | undefined,
    socket?: Socket,
  ): Promise<Answer | undefined> {
    if (this.life.state !== 'ready') return undefined
    const id = this.asked++
    const over = new AbortController()
    const answered = new Promise<Answer | undefined>((resolve) => this.questions.set(id, resolve))
    this.tell(question(id), socket)
    const answer = await (patienceMs === undefined
      ? answered
      : Promise.race([answered, sleep(patienceMs, over.signal).then(() => undefined)]))
    over.abort()
    this.questions.delete(id)
    this.parts.delete(id)
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
    this.silentLooks = 0
    this.saySilent(undefined)
    switch (message.type) {
      case 'beat':
        return
      case 'ready':
        this.life = { ...this.life, state: 'ready' }
        logger.info({ child: child.pid }, `${this.name} is ready`)
        this.events.ready(message)
        return this.events.changed?.()
      case 'failed':
        this.events.failed(message.message)
        return void child.kill('SIGKILL')
      case 'metrics':
        if (message.more) return void this.parts.get(message.id)?.push(message.text)
        return this.questions.get(message.id)?.(message)
      case 'page':
      case 'taken':
        return this.questions.get(message.id)?.(message)
    }
  }

  /**
   * LC-1: a process that runs but does nothing is ended. What counts is how often it was looked in vain, and not a clock: after this process
   * itself was held up (a suspended machine), it looks once, and then reads the beats that have come meanwhile.
   */
  private lookWhetherSilent(child: ChildProcess): void {
    const silentMs = ++this.silentLooks * LOOK_MS
    const withinMs = this.life.state === 'ready' ? this.silenceMs : START_SILENCE_MS
    if (silentMs >= withinMs) return this.endSilent(child, silentMs)
    if (silentMs >= withinMs * SAID_AFTER && this.silent === undefined)
      this.saySilent({
        process: this.name,
        sinceUnixMs: Date.now() - silentMs,
        withinMs: withinMs * SAID_AFTER,
      })
  }

  private endSilent(child: ChildProcess, silentMs: number): void {
    clearInterval(this.looking)
    this.silenceCount++
    logger.error({ child: child.pid, silentMs }, `${this.name} has fallen silent, and is ended`)
    child.kill('SIGKILL')
  }

  private saySilent(silent: SilentProcess | undefined): void {
    if (silent === this.silent) return
    if (silent !== undefined) logger.warn({ sinceUnixMs: silent.sinceUnixMs }, `${this.name} does not answer`)
    this.silent = silent
    this.events.silent?.()
  }

  private died(child: ChildProcess, how: string): void {
    if (!('child' in this.life) || this.life.child !== child) return
    const livedMs = performance.now() - this.life.startedAtMs
    clearInterval(this.looking)
    this.saySilent(undefined)
    for (const answer of this.questions.values()) answer(undefined)
    this.life = { state: 'none' }
    this.events.changed?.()
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
}
