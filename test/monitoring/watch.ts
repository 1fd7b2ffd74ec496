import { parseSamples } from '../../src/testing/samples'
import { pass } from '../service/feed-limits-support'

/** As deploy/prometheus.yml has it. */
export const SCRAPE_MS = 15_000

/** What Prometheus adds to all that it scrapes. */
export const TARGET = { job: 'tickwell', instance: 'here:9080' }

const seriesName = (name: string, labels: Record<string, string>): string => {
  const all = Object.entries({ ...labels, ...TARGET }).sort(([one], [other]) => (one < other ? -1 : 1))
  return `${name}{${all.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`
}

/** A number as promtool reads it; it has no Infinity of JavaScript. */
const numberText = (value: number): string => String(value).replace('Infinity', 'Inf')

/** As promtool has values: `1x3` is four times 1, `_` none, `stale` the end of a series. */
const valuesText = (values: readonly (number | undefined)[]): string => {
  const texts: string[] = []
  values.forEach((value, index) => {
    const wasThere = index > 0 && values[index - 1] !== undefined
    if (value !== undefined) texts.push(numberText(value))
    else texts.push(wasThere ? 'stale' : '_')
  })
  return texts.join(' ')
}

/** Times of now, which have to be on promtool's time, that begins at 0. */
const isTime = (name: string): boolean => /_timestamp_seconds$|_start_time_seconds$/.test(name)

/**
 * Scrapes a service every 15 s, as Prometheus does, and keeps what it says. The clock of the test may be held: then the seconds between are
 * virtual, and all that happens in them happens.
 */
export class Watch {
  private readonly scrapes: (string | undefined)[] = []
  private firstUnixMs: number | undefined

  /**
   * @param scrape - one page of metrics; rejects where the service does not answer
   * @param wait - lets the time between two scrapes pass
   */
  constructor(
    private readonly scrape: () => Promise<string>,
    private readonly wait: () => Promise<unknown> = () => pass(SCRAPE_MS),
  ) {}

  /** How many there are. */
  get count(): number {
    return this.scrapes.length
  }

  /**
   * Goes on for some time.
   *
   * @param minutes - what passes
   * @param meanwhile - called before each scrape: what clients and providers do
   * @returns how many scrapes there are then
   */
  async goOn(minutes: number, meanwhile: () => unknown = () => {}): Promise<number> {
    for (let left = (minutes * 60_000) / SCRAPE_MS; left > 0; left--) {
      await this.wait()
      await meanwhile()
      await this.take()
    }
    return this.count
  }

  /** Scrapes once, and has Prometheus get the same for some time: for states that stay, of services whose clock nobody holds. */
  async stay(minutes: number): Promise<number> {
    await this.take()
    const last = this.scrapes.at(-1)
    for (let left = (minutes * 60_000) / SCRAPE_MS - 1; left > 0; left--) this.scrapes.push(last)
    return this.count
  }

  /** All series, as promtool's `input_series`. */
  series(): { series: string; values: string }[] {
    const all = new Map<string, (number | undefined)[]>()
    const put = (name: string, at: number, value: number) => {
      const values = all.get(name) ?? Array.from<number | undefined>({ length: this.count })
      all.set(name, values)
      values[at] = value
    }
    this.scrapes.forEach((text, at) => {
      put(seriesName('up', {}), at, text === undefined ? 0 : 1)
      for (const { name, labels, value } of parseSamples(text ?? ''))
        put(seriesName(name, labels), at, isTime(name) ? value - this.firstUnixMs! / 1_000 : value)
    })
    return Array.from(all, ([series, values]) => ({ series, values: valuesText(values) }))
  }

  private async take(): Promise<void> {
    this.firstUnixMs ??= Date.now()
    this.scrapes.push(await this.scrape().catch(() => undefined))
  }
}
