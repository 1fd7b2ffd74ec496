/** What one case of a line has: a clock of its own, providers and services; all of it ends with the case. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Service } from '../outside/service.mjs'
import { expected } from '../outside/waiting.mjs'
import { programOf } from './program.mjs'
import { HttpProvider, SseProvider, TcpProxy, WsProvider } from './providers.mjs'
import { venues } from './venues.mjs'
import { WallClock } from './wall-clock.mjs'

const FIRST_VALUE_MS = 10_000
const KINDS = { ws: () => new WsProvider(), http: () => new HttpProvider(), sse: () => new SseProvider() }

/** A feed of one service, as its client and its provider see it. */
export class Feed {
  constructor(service, provider, venue) {
    this.service = service
    this.provider = provider
    this.venue = venue
  }

  /** The quote of a value: the small adapter takes `result`, an exchange's frame has `last`. */
  tick(value, more = {}, symbol = this.symbol) {
    this.provider.tick(
      symbol,
      this.venue === undefined ? { result: value, ...more } : { last: value, ...more },
    )
  }

  get symbol() {
    return this.venue === undefined ? 'feed' : this.venue.symbolOf('ETH', 'USD')
  }

  ask(data = this.venue === undefined ? { symbol: 'feed' } : { base: 'ETH', quote: 'USD' }) {
    return this.service.ask(data)
  }

  /** Asks until there is a value, and resolves with it. */
  value(ms = FIRST_VALUE_MS) {
    return expected(
      'value',
      ms,
      () => this.ask(),
      ({ status }) => status === 200,
    )
  }

  /** What has been refused so far. */
  refused() {
    return this.service.count('data_refused_total')
  }
}

/** Gone with the trial, however that ends. */
const folders = new Set()
const remove = (folder) => rmSync(folder, { recursive: true, force: true })
process.once('exit', () => folders.forEach(remove))

export class Bench {
  #folder = mkdtempSync(join(tmpdir(), 'trial-'))
  #ends = []
  services = []

  /** @param build - the folder of the package that is tried */
  constructor(build) {
    this.build = build
    folders.add(this.#folder)
    this.clock = new WallClock(join(this.#folder, 'clock'))
    this.#ends.push(() => this.clock.close())
  }

  /**
   * A service and its provider.
   *
   * @param kind - `ws`, `http` or `sse` for the small adapter, or the name of an exchange
   * @param of.through - puts a proxy in between, as `feed.proxy`
   */
  async feed(kind, { guards, declared, env = {}, workers = 1, through = false } = {}) {
    const venue = venues[kind]
    const provider = venue === undefined ? KINDS[kind]() : venue.make()
    await provider.start()
    this.#ends.push(() => provider.stop())
    const proxy = through ? new TcpProxy(provider) : undefined
    await proxy?.start()
    if (proxy !== undefined) this.#ends.push(() => proxy.stop())
    const { url } = proxy ?? provider
    const said = { OUTSIDE_DECLARED: JSON.stringify(declared ?? { guards }) }
    const own =
      venue === undefined ? { OUTSIDE_KIND: kind, OUTSIDE_PROVIDER: url, ...said } : { [venue.setting]: url }
    const feed = new Feed(await this.#start(venue && kind, workers, { ...own, ...env }), provider, venue)
    feed.proxy = proxy
    return feed
  }

  /**
   * A service with providers of the case's own.
   *
   * @param providers - are started before it; `of.env` may be made of them
   */
  async service(providers, { venue, env, workers = 1 }) {
    for (const provider of providers) await this.provider(provider)
    return this.#start(venue, workers, env())
  }

  /** Starts something that ends with the case. */
  async provider(provider) {
    await provider.start()
    this.#ends.push(() => provider.stop())
    return provider
  }

  /** A service that is not expected to start. @returns it when it has ended by itself */
  startsNot({ venue, workers = 1, env }) {
    const { program, own } = programOf(this.build, { venue, workers })
    return Service.startsNot(program, { env: { ...own, ...env }, folder: this.#folder })
  }

  async #start(venue, workers, env) {
    const { program, own } = programOf(this.build, { venue, workers })
    const all = { ...own, ...this.clock.env, ...env }
    const service = await Service.start(program, { env: all, folder: this.#folder })
    this.services.push(service)
    return service
  }

  /** For files of the case. */
  get folder() {
    return this.#folder
  }

  sleep(ms) {
    return this.clock.sleep(ms, this.services)
  }

  async end() {
    await Promise.all(this.services.map((service) => service.stop()))
    for (const end of this.#ends.reverse()) end()
    remove(this.#folder)
    folders.delete(this.#folder)
  }
}
