import { type AxiosRequestConfig } from 'axios'
import { ColdStart } from './cold-start'
import { type ProviderPause } from './provider-pause'
import { overflowed } from '../metrics/bounds'

/** So many hosts have a state of their own; all further ones share one. */
const MAX_ORIGINS = 1_000

/** What there is for each host of a provider, so that one host does not delay requests to another. */
export interface Origin {
  readonly pause: ProviderPause
  readonly start: ColdStart
}

export const originOf = ({ url = '', baseURL }: AxiosRequestConfig): string =>
  URL.canParse(url, baseURL) ? new URL(url, baseURL).origin : ''

/** The hosts that were requested. */
export class Origins {
  private readonly known = new Map<string, Origin>()

  /** @param make - the pauses of one host; its name is empty where further hosts share one */
  constructor(private readonly make: (origin: string) => ProviderPause) {}

  of(config: AxiosRequestConfig): Origin {
    const origin = originOf(config)
    const name = this.known.has(origin) || this.known.size < MAX_ORIGINS ? origin : ''
    if (name !== origin) overflowed('provider_hosts')
    let found = this.known.get(name)
    if (found === undefined) {
      found = { pause: this.make(name), start: new ColdStart() }
      this.known.set(name, found)
    }
    return found
  }

  stop(): void {
    for (const { pause, start } of this.known.values()) {
      pause.stop()
      start.reached()
    }
  }
}
