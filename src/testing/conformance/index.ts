import { type CheckName, checkTitles } from './check-names'
import { checks } from './checks'
import { kindOf } from './trial'
import { type Venue } from './venue'

/** What {@link conformance} needs of vitest, jest, or another of their kind. */
export interface TestRunner {
  describe: (name: string, tests: () => void) => unknown
  it: (title: string, test: () => Promise<void>, timeoutMs: number) => unknown
}

/** One check of {@link conformanceChecks}. */
export interface ConformanceCheck {
  name: CheckName
  title: string
  /** @throws Error with what was expected and what there was */
  run: () => Promise<void>
}

/** Longer than any wait of the harness, which says what it waited for. */
const TIMEOUT_MS = 60_000

const hasMeaning = (name: CheckName, venue: Venue): boolean => {
  const { kinds } = checks[name]
  if (kinds !== undefined && !kinds.includes(kindOf(venue))) return false
  return venue.except?.[name] === undefined && (name !== 'batch' || venue.batch !== undefined)
}

/** The checks that an adapter has to pass, for a test framework of which {@link conformance} knows nothing. One at a time may run. */
export const conformanceChecks = (venue: Venue): ConformanceCheck[] =>
  (Object.keys(checkTitles) as CheckName[])
    .filter((name) => hasMeaning(name, venue))
    .map((name) => ({
      name,
      title: checkTitles[name],
      run: () => checks[name].run(venue, checks[name].env),
    }))

/**
 * Registers a test for everything that an adapter has to pass, against a provider on loopback that talks as the venue says: prices, bad
 * ones among them, an outage, silence, a sleep of the machine, an end.
 *
 * @param runner - `describe` and `it` of the test framework; those that are global by default
 * @example
 * conformance({ name: 'Acme', adapter: makeAcme, env: (url) => ({ WS_API_ENDPOINT: url }), feeds, unlisted, ws: dialect }, { describe, it })
 */
export const conformance = (venue: Venue, runner?: TestRunner): void => {
  const { describe, it } = runner ?? globalRunner()
  describe(`${venue.name}, as every adapter,`, () => {
    for (const { title, run } of conformanceChecks(venue)) it(title, run, TIMEOUT_MS)
  })
}

const globalRunner = (): TestRunner => {
  const { describe, it } = globalThis as Partial<TestRunner>
  if (describe === undefined || it === undefined)
    throw new Error('There is no global describe and it: give those of the test framework to conformance()')
  return { describe, it }
}
