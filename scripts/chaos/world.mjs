/** A world: the service as a process (or several), its providers, its clients, the clock; and the steps that are played in it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Service } from '../outside/service.mjs'
import { nowMs, pause } from '../outside/waiting.mjs'
import { programOf } from '../trial/program.mjs'
import { WallClock } from '../trial/wall-clock.mjs'
import { DECLARED, ENV, rules } from './declared.mjs'
import { Model } from './model.mjs'
import { POISON, UNLISTED } from './plan.mjs'
import { HttpProvider, SseProvider } from './http-providers.mjs'
import { WsProvider } from './ws-provider.mjs'
import { Reader, Readers } from './reader.mjs'
import { missubscribed, unsettled } from './settled.mjs'
import { act } from './steps.mjs'
import { Values } from './values.mjs'

/** How long a step waits for the answer to what is asked after it; one that comes later is judged when it comes. */
const STEP_PATIENCE_MS = 20
/** No more requests than this wait for an answer. */
const MOST_PENDING = 12
const STEP_PAUSE_MS = 6
/** The service ends within this. */
const END_MS = 12_000
/**
 * Within this all is in order once nothing happens any more: three times the longest back-off (3 s), and what it takes to find a dead
 * connection (1 s), to give up a handshake (1 s), and to replace a process.
 */
export const SETTLE_MS = 18_000
const ROUND_MS = 100
/** Requests that are on their way when the service is told to end. */
const LEAVING = 6
const NOTICED_AFTER_MS = 1_000
const STARTED_WITHIN_MS = 8_000
/** So many rounds in a row. */
const SETTLED_ROUNDS = 3
/** A refused handshake whose provider does not say how long to wait is repeated after so long at the latest. */
const HELD_MS = 90_000
/** What a process that was stopped, or killed, may take with it, after it was. */
const REPLACED_WITHIN_MS = 18_000

/** Gone with the program, however that ends. */
const folders = new Set()
const remove = (folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
process.once('exit', () => folders.forEach(remove))

const programFor = (build, shape) =>
  programOf(build, { workers: shape === 'workers' ? 2 : 1, isService: shape === 'service' })

/** Makes what the plans need of a build, which takes a while: nothing may stand still for that while another world is played. */
export const prepare = (build, plans) => {
  for (const { shape } of plans) programFor(build, shape)
}

export class World {
  problems = []
  happenings = new Map()
  /** By endpoint, until when no connection may be tried. */
  #held = new Map()
  #folder = mkdtempSync(join(tmpdir(), 'chaos-'))
  #sleptMs = 0
  #movedMs = 0
  #steppedMs = -Infinity
  #wokenMs = -Infinity
  #startedByMs = -Infinity
  #service
  #isStopping = false
  #readers
  #pending = new Set()
  #beside
  #lossesUntilMs = -Infinity
  /** Whether it was told to end. */
  isLeaving = false
  /** The step that is played. */
  at = -1

  /** @param build - the folder of the package that is tried */
  constructor(plan, build) {
    folders.add(this.#folder)
    this.plan = plan
    this.build = build
    this.now = () => Date.now() + this.#sleptMs
    this.values = new Values(this.now)
    this.model = new Model(rules)
    this.clock = new WallClock(join(this.#folder, 'clock'))
    const bad = { poison: [POISON], unlisted: [UNLISTED] }
    this.providers = {
      ws: new WsProvider('ws', this),
      batched: new WsProvider('batched', this, { answers: true, ...bad }),
      sse: new SseProvider('sse', this),
      http: new HttpProvider('http', this),
    }
    this.#readers = new Readers(() => this.#reader(), plan.shape === 'workers' ? 3 : 1)
  }

  happened(kind, endpoint) {
    this.happenings.set(kind, (this.happenings.get(kind) ?? 0) + 1)
    if (kind === 'refused-429') this.#held.set(endpoint, nowMs() + HELD_MS)
  }

  /** @returns what was wrong, the step at which it was seen first, and what happened how often */
  async run() {
    try {
      for (const provider of Object.values(this.providers)) await provider.start()
      await this.#start()
      for (const [at, step] of this.plan.steps.entries()) {
        this.at = at
        await this.#play(step)
        if (this.problems.length > 0) break
      }
      await this.#explain()
      await this.#beside
      if (this.problems.length === 0) await this.#settle()
      if (this.problems.length === 0) await this.#stop()
    } catch (error) {
      this.#wrong(`the world ended: ${error.stack}`)
    } finally {
      await this.#end()
    }
    return { problems: this.problems, happenings: this.happenings, log: this.#service?.lines ?? [] }
  }

  async #start() {
    const endpoints = Object.entries(DECLARED).map(([name, of]) => [
      name,
      { ...of, url: this.providers[name].url },
    ])
    const { shape, retries } = this.plan
    const { program, own } = programFor(this.build, shape)
    const env = {
      ...own,
      ...this.clock.env,
      ...ENV,
      CACHE_POLLING_MAX_RETRIES: String(retries),
      OUTSIDE_ENDPOINTS: JSON.stringify(Object.fromEntries(endpoints)),
    }
    this.#service = await Service.start(program, { env, folder: this.#folder })
    this.#isStopping = false
  }

  async #play(step) {
    const hasHappened = await act(this, step)
    if (hasHappened) this.happened(step.do, step.endpoint)
    await pause(STEP_PAUSE_MS)
    await Promise.race([this.ask(step.ask), pause(STEP_PATIENCE_MS)])
    if (this.#pending.size > MOST_PENDING) await Promise.race([...this.#pending])
    this.#look()
  }

  /** Whether the service still runs. */
  #look() {
    const { end } = this.#service
    if (end !== undefined) this.#wrong(`IS-2: the service has ended (${end.signal ?? `code ${end.code}`})`)
  }

  /** That its connections are cut is seen before its end is. */
  async #explain() {
    if (this.problems.length === 0 || this.problems.some(({ text }) => text.startsWith('IS-2'))) return
    await pause(ROUND_MS)
    this.#look()
  }

  /** Work that goes on beside the steps. */
  beside(work) {
    this.#beside = work.finally(() => (this.#beside = undefined))
  }

  get isBesieged() {
    return this.#beside !== undefined
  }

  #reader() {
    return new Reader(this.now, this.plan.shape === 'workers')
  }

  /** Asks for a feed, and has the answer judged. */
  ask(feed, onSent) {
    return this.#asked(this.#readers.next(), feed, onSent)
  }

  async #asked(reader, feed, onSent) {
    const { at } = this
    const { url } = this.#service
    const asking = reader.ask(url, feed, onSent)
    this.#pending.add(asking)
    const answer = await asking
    this.#pending.delete(asking)
    if (answer.lost !== undefined) this.#lost(answer, url)
    // What reaches it while it ends may be refused.
    else if (answer.status === 503 && this.isLeaving) return answer
    else
      for (const law of this.model.judge(answer))
        this.#wrong(`${feed}: ${law}`, at, { ...answer, atMs: this.now() })
    return answer
  }

  /** A request without an answer: no wonder where the process that had it was killed. */
  #lost({ feed, askedMs, lost, wasReused }, url) {
    // What is not accepted any more has not reached it.
    if ((this.isLeaving || url !== this.#service.url) && wasReused !== true) return
    if (this.#isStopping || askedMs < this.#lossesUntilMs) return
    this.#wrong(`${feed}: asked, and not answered (${lost})`)
  }

  /** Requests may be lost until what has been killed or stopped is replaced. */
  allowLosses() {
    this.#lossesUntilMs = this.now() + REPLACED_WITHIN_MS
  }

  async setClock(byMs) {
    // A step back takes away what the wall clock had counted of a sleep. By then somebody has looked at the clock, and knows of it.
    if (byMs < 0) await pause(Math.max(0, this.#wokenMs + NOTICED_AFTER_MS - nowMs()))
    this.model.disturbed(this.now())
    this.#movedMs += byMs
    await this.clock.step(byMs)
    this.model.disturbed(this.now())
    this.#steppedMs = nowMs()
  }

  /** Sets the clock right. */
  async rightClock() {
    if (this.#movedMs !== 0) await this.setClock(-this.#movedMs)
  }

  /** Whether the clock may be wrong now: a process that starts meanwhile could not know. */
  get mayStep() {
    return nowMs() > this.#startedByMs
  }

  /** A process is started that judges times by itself. */
  starting() {
    this.#startedByMs = nowMs() + STARTED_WITHIN_MS
  }

  async sleep(forMs) {
    // Until somebody has looked at the clock, a step and a sleep are one.
    await pause(Math.max(0, this.#steppedMs + NOTICED_AFTER_MS - nowMs()))
    // And what has been sent is read, where the machine is not too busy.
    await this.ask(this.plan.asked[0])
    const fromMs = this.now()
    await this.clock.sleep(forMs, [this.#service])
    this.#sleptMs += forMs
    this.#wokenMs = nowMs()
    this.model.slept(fromMs, this.now())
  }

  /** @returns false where there is no such process now */
  signal(name, signal) {
    const pid = this.#service.childOf(name)
    if (pid === undefined) return false
    try {
      return process.kill(pid, signal)
    } catch {
      return false
    }
  }

  /** SIGTERM while requests are on their way on kept connections, and started anew. */
  async restart() {
    const readers = Array.from({ length: LEAVING }, () => this.#reader())
    await Promise.all(readers.map((reader) => this.#asked(reader, this.plan.asked[0])))
    const sent = []
    const answered = readers.map((reader, at) => {
      const { promise, resolve } = deferred()
      sent.push(promise)
      return this.#asked(reader, this.plan.asked[at], resolve)
    })
    await Promise.all(sent)
    await Promise.all([this.#terminate(), ...answered])
    this.isLeaving = false
    for (const reader of readers) reader.close()
    await this.rightClock()
    this.#held.clear()
    for (const name of ['ws', 'batched', 'sse']) this.providers[name].reborn()
    this.model.reborn(this.now())
    await this.#start()
  }

  async #terminate() {
    this.isLeaving = true
    const end = await this.#service.terminate(END_MS)
    this.#isStopping = true
    if (end === undefined) this.#wrong(`LC-3: runs still ${END_MS / 1000} s after SIGTERM`)
    else if (end.code !== 0) this.#wrong(`LC-3: SIGTERM ended it with ${end.signal ?? `code ${end.code}`}`)
  }

  /** Faults are over: within a bound every feed has a value of now, or a reason with a name. */
  async #settle() {
    for (const provider of Object.values(this.providers)) provider.heal()
    await this.rightClock()
    const healedMs = this.now()
    const endMs = nowMs() + SETTLE_MS
    this.at = this.plan.steps.length
    let wrong = []
    for (let rounds = 0; rounds < SETTLED_ROUNDS; rounds = wrong.length === 0 ? rounds + 1 : 0) {
      if (nowMs() > endMs || this.problems.length > 0)
        return wrong.forEach((one) => this.#wrong(`not settled within ${SETTLE_MS / 1000} s: ${one}`))
      for (const name of ['ws', 'batched', 'sse'])
        for (const line of this.providers[name].working)
          for (const symbol of line.symbols) this.providers[name].sendOn(line, symbol, this.values.honest())
      await pause(ROUND_MS)
      const answers = await Promise.all(this.plan.asked.map((feed) => this.ask(feed)))
      wrong = [...answers.flatMap((answer) => unsettled(this, answer, healedMs)), ...missubscribed(this)]
    }
  }

  /** Whether no connection may be tried there now. */
  isHeld(endpoint) {
    return (this.#held.get(endpoint) ?? -Infinity) > nowMs()
  }

  async #stop() {
    const { ws, batched } = this.providers
    for (const provider of [ws, batched]) provider.closes = []
    // Else a kept connection without a request is waited for, as at each restart.
    this.#readers.close()
    await this.#terminate()
    await pause(ROUND_MS)
    const strange = [...ws.closes, ...batched.closes].filter((code) => code !== 1000)
    if (strange.length > 0) this.#wrong(`LC-3: connections were closed with ${strange.join(', ')}`)
  }

  async #end() {
    this.#isStopping = true
    await this.#service?.stop()
    this.#readers.close()
    await Promise.all(this.#pending)
    for (const provider of Object.values(this.providers)) provider.stop()
    this.clock.close()
    remove(this.#folder)
    folders.delete(this.#folder)
  }

  #wrong(text, at = this.at, answer = undefined) {
    this.problems.push({ at, text, answer })
  }
}

const deferred = () => {
  let resolve
  const promise = new Promise((settle) => (resolve = settle))
  return { promise, resolve }
}
