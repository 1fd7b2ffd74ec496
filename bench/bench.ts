import { existsSync } from 'node:fs'
import path from 'node:path'
import { closedLoop } from './load/closed-loop'
import { type Counted, type LoadOptions } from './load/options'
import { coreTimes } from './measure/cpu'
import { disturbanceBetween, type Moment } from './measure/disturbance'
import { median } from './measure/statistics'
import { OwnProcess, type ProcessOptions } from './processes/own-process'
import { canPin, type Core, OTHER_CORE, placeOf, SERVICE_CORE } from './processes/pinning'
import { Target, type TargetOptions } from './processes/target'

/** Where `npm run test:reference` leaves the framework that ours stands in for. */
const REFERENCE = path.join(
  __dirname,
  '../../compat/reference/node_modules/@chainlink/external-adapter-framework',
)
const NO_REFERENCE = 'the reference is not installed: `npm run test:reference` does it'

export interface BenchOptions {
  isQuick: boolean
  /** False: our target parses every request. */
  hasFastLane: boolean
  /** Folders for profiles of our target, one file per process. */
  cpuProfiles?: string
  heapProfiles?: string
}

type Extra = Partial<TargetOptions>

export interface Pair {
  provider: Target
  target: Target
}

/** What a scenario measures with: it starts the processes of one scenario, and ends them all. */
export class Bench {
  private readonly noted = new Set<string>()
  readonly hasReference = existsSync(REFERENCE)
  private readonly processes: OwnProcess[] = []
  private readonly profiled: { target: Target; file: string }[] = []
  private readonly began: Moment

  constructor(
    readonly scenario: string,
    readonly options: BenchOptions,
  ) {
    if (!canPin()) this.note('processes are not pinned: there is no taskset, or one core only')
    this.began = this.moment()
  }

  get notes(): string[] {
    return [...this.noted]
  }

  /** Something that whoever reads the figures has to know. */
  note(text: string): void {
    this.noted.add(text)
  }

  /** Tells for how much of the time each side's core had work: the load comes from one core, and not every side fills another with it. */
  noteBusy(rounds: Record<string, { cpuSeconds: number; seconds: number }[]>): void {
    const busy = Object.entries(rounds).map(([side, of]) => {
      const share = median(of.map(({ cpuSeconds, seconds }) => cpuSeconds / seconds))
      return `${side} ${(share * 100).toFixed(0)} %`
    })
    this.note(`busy: ${busy.join(', ')}`)
  }

  /** How often or how much of something: less in a quick run. */
  times(full: number, quick: number): number {
    return this.options.isQuick ? quick : full
  }

  /** The sides that there are: the reference only where it is installed; a note says where it is not. */
  sides<S extends string>(...sides: S[]): S[] {
    if (sides.some((side) => side === 'reference') && !this.hasReference) this.note(NO_REFERENCE)
    return sides.filter((side) => side !== 'reference' || this.hasReference)
  }

  async start(name: string, extra: Extra = {}): Promise<Target> {
    return this.own(await Target.start(name, { core: SERVICE_CORE, ...extra }))
  }

  /** A program that is no target of ours. */
  spawn(options: ProcessOptions): OwnProcess {
    return this.own(new OwnProcess(options))
  }

  provider(): Promise<Target> {
    return this.start('provider', { core: OTHER_CORE })
  }

  ours(provider: Target, extra: Extra = {}): Promise<Target> {
    const args = [`--provider=${provider.socketUrl}`, ...(extra.args ?? [])]
    const env = { FAST_LANE_ENABLED: String(this.options.hasFastLane), ...extra.env }
    return this.start('tickwell', { ...extra, args, env })
  }

  /** The reference wants a path in a provider's URL. */
  reference(provider: Target, extra: Extra = {}): Promise<Target> {
    const args = [`--provider=${provider.socketUrl}/`, `--package=${REFERENCE}`, ...(extra.args ?? [])]
    return this.start('tickwell', { ...extra, args })
  }

  /** The floor for a whole adapter. */
  adapter(provider: Target): Promise<Target> {
    return this.start('bare-adapter', { args: [`--provider=${provider.socketUrl}`] })
  }

  /** Each side with a provider of its own, so that only the one whose turn it is has messages to take. */
  async pairs<S extends 'ours' | 'adapter' | 'reference'>(sides: readonly S[]): Promise<Record<S, Pair>> {
    const pairs = {} as Record<S, Pair>
    for (const side of sides) {
      const provider = await this.provider()
      pairs[side] = { provider, target: await this[side](provider) }
    }
    return pairs
  }

  /** From here on it counts: our target is warm, and profiles that were asked for begin. */
  async measured(target: Target): Promise<void> {
    const { cpuProfiles, heapProfiles } = this.options
    const file = `${this.scenario}-${this.profiled.length + 1}`
    if (cpuProfiles === undefined && heapProfiles === undefined) return
    if (cpuProfiles !== undefined) await target.tell('startCpuProfile')
    if (heapProfiles !== undefined) await target.tell('startHeapProfile')
    this.profiled.push({ target, file })
  }

  /** One round of as many requests as load and target can, with the CPU time that the target spent meanwhile. */
  async load(
    target: Target,
    options: Omit<LoadOptions, 'port'>,
    seconds: number,
    loop = closedLoop,
  ): Promise<Counted & { cpuSeconds: number; perCpuSecond: number }> {
    let before = 0
    let after = 0
    const around = {
      before: () => void (before = target.cpuSeconds()),
      after: () => void (after = target.cpuSeconds()),
    }
    const counted = await loop({ port: target.port, ...options }, seconds, around)
    const cpuSeconds = after - before
    return { ...counted, cpuSeconds, perCpuSecond: counted.requests / cpuSeconds }
  }

  async stopPairs(pairs: Record<string, Pair>): Promise<void> {
    for (const { provider, target } of Object.values(pairs)) await this.stop(target, provider)
  }

  async stop(...targets: (OwnProcess | undefined)[]): Promise<void> {
    for (const target of targets) {
      if (target === undefined) continue
      for (const { file } of this.profiled.filter((one) => one.target === target))
        await this.saveProfiles(target as Target, file)
      await target.stop()
    }
  }

  /** Ends what still runs. @returns what disturbed the machine meanwhile, if anything did */
  async end(): Promise<string | undefined> {
    const disturbance = disturbanceBetween(this.began, this.moment())
    await Promise.all(this.processes.map((one) => one.stop()))
    return disturbance
  }

  private own<P extends OwnProcess>(one: P): P {
    this.processes.push(one)
    return one
  }

  private async saveProfiles(target: Target, name: string): Promise<void> {
    const { cpuProfiles, heapProfiles } = this.options
    if (cpuProfiles !== undefined)
      await target.tell('saveCpuProfile', { file: path.resolve(cpuProfiles, `${name}.cpuprofile`) })
    if (heapProfiles !== undefined)
      await target.tell('saveHeapProfile', { file: path.resolve(heapProfiles, `${name}.heapprofile`) })
  }

  private moment(): Moment {
    const self = process.cpuUsage()
    const own = new Map<Core, number>([[placeOf(OTHER_CORE), (self.user + self.system) / 1e6]])
    for (const one of this.processes) own.set(one.core, (own.get(one.core) ?? 0) + one.groupCpuSeconds())
    return { at: performance.now() / 1_000, cores: coreTimes(), own }
  }
}
