import { type AxiosRequestConfig } from 'axios'
import { ColdStart } from './cold-start'
import { type ProviderPause } from './provider-pause'
import { overflowed } from '../metrics/bounds'
import { monotonicMs } from '../util/clock'

/** So many hosts have a state of their own; further ones take the place of one that is idle, or share one. */
const MAX_ORIGINS = 1_000
/** A host that was not asked for so long has no request under way. */
const IDLE_MS = 300_000

/** What there is for each host of a provider, so that one host does not delay requests to another. */
export interface Origin {
  readonly pause: ProviderPause
  readonly start: ColdStart
}

type Known = Origin & { usedAtMs: number }

export const originOf = ({ url = '', baseURL }: AxiosRequestConfig): string =>
  URL.canParse(url, baseURL) ? new URL(url, baseURL).origin : ''

/** The hosts that were requested. */
export class Origins {
  /** The one that was asked longest ago comes first. */
  private readonly known = new Map<string, Known>()

  /** @param make - the pauses of one host; its name is empty where further hosts share one */
  constructor(private readonly make: (origin: string) => ProviderPause) {}

  of(config: AxiosRequestConfig): Origin {
    const origin = originOf(config)
    const name = this.known.has(origin) || this.hasRoom() ? origin : ''
    const usedAtMs = monotonicMs()
    const found = this.known.get(name) ?? { pause: this.make(name), start: new ColdStart(), usedAtMs }
    found.usedAtMs = usedAtMs
    this.known.delete(name)
    this.known.set(name, found)
    return found
  }

  /** The names of all hosts. */
  get names(): string[] {
    return [...this.known.keys()]
  }

  private hasRoom(): boolean {
    if (this.known.size < MAX_ORIGINS) return true
    overflowed('provider_hosts')
    const [first] = this.known
    if (first === undefined || !first[1].pause.isIdle || monotonicMs() - first[1].usedAtMs < IDLE_MS)
      return false
    return this.known.delete(first[0])
  }

  stop(): void {
    for (const { pause, start } of this.known.values()) {
      pause.stop()
      start.reached()
    }
  }
}
