import { isDeepStrictEqual, inspect } from 'node:util'

/** For whoever runs this. */
export const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Runs checks one after the other, says each on a line, and counts. One that fails does not keep the others from running. */
export class Checks {
  passed = 0
  failed = 0

  async check(name: string, work: () => Promise<unknown>): Promise<void> {
    const startedAt = Date.now()
    try {
      await work()
      this.passed++
      say(`ok      ${name} (${Date.now() - startedAt} ms)`)
    } catch (error) {
      this.failed++
      say(`not ok  ${name}: ${(error as Error).stack ?? String(error)}`)
    }
  }
}

export const equal = (actual: unknown, expected: unknown, what = 'the outcome'): void => {
  if (isDeepStrictEqual(actual, expected)) return
  const shown = (value: unknown) =>
    inspect(value, { depth: 6, breakLength: 160, maxArrayLength: 20, maxStringLength: 300 })
  throw new Error(`${what} is ${shown(actual)}, not ${shown(expected)}`)
}

export const isTrue = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what)
}
