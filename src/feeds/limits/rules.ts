import { createRequire } from 'node:module'
import type * as TypeBox from '@sinclair/typebox'
import type * as TypeBoxValue from '@sinclair/typebox/value'
import { memberOf, messageOf } from '../../util/objects'
import { membersIn, pointerName } from '../../util/json-keys'
import { beginningOf } from '../../util/redaction'
import { matcherOf } from './pattern'
import { type Limits, limitsByPatternSchema, type LimitsByPattern } from './schema'

/** Limits that cannot be used. */
export class LimitsError extends Error {
  /** @param problems - one line for each: the place in the JSON, and what is allowed there */
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '))
  }
}

const MAX_PROBLEMS = 10
const MAX_SHOWN = 60

interface Rule {
  matches: (name: string) => boolean
  limits: Limits
}

/** Checks limits. Made only where there are any, because it loads a library. */
class Checker {
  private readonly schema: ReturnType<typeof limitsByPatternSchema>
  private readonly value: typeof TypeBoxValue.Value

  constructor() {
    const load = createRequire(__filename)
    const { Type } = load('@sinclair/typebox') as typeof TypeBox
    this.schema = limitsByPatternSchema(Type)
    this.value = (load('@sinclair/typebox/value') as typeof TypeBoxValue).Value
  }

  /** @throws LimitsError with all problems, at most ten */
  check(text: string): LimitsByPattern {
    const value = parseJson(text)
    const isWhole = this.value.Check(this.schema, value)
    const problems = [...repeatedIn(text), ...(isWhole ? contradictionsIn(value) : this.faultsOf(value))]
    if (problems.length > 0 || !isWhole) throw new LimitsError(problems.slice(0, MAX_PROBLEMS))
    return value
  }

  private faultsOf(value: unknown): string[] {
    const faults = new Map<string, string>()
    for (const { path, message, schema, value: found } of this.value.Errors(this.schema, value)) {
      if (faults.has(path)) continue
      const allowed =
        message === 'Unexpected property'
          ? `is no limit; there are ${Object.keys(memberOf(schema, 'properties') ?? {}).join(', ')}`
          : `${shown(found)} is not allowed, but ${schema.description}`
      faults.set(path, `at ${path || 'the top'}: ${allowed}`)
    }
    return [...faults.values()]
  }
}

/** Reads limits; made once and used for every change of them. */
export class RulesReader {
  private readonly checker = new Checker()

  /** @throws LimitsError with all problems, at most ten */
  read(text: string): Rules {
    const byPattern = this.check(text)
    const patterns = membersIn(text).filter(({ of }) => of === '')
    return new Rules(patterns.map(({ name }) => [name.trim().toLowerCase(), byPattern[name]!]))
  }

  private check(text: string): ReturnType<Checker['check']> {
    try {
      return this.checker.check(text)
    } catch (error) {
      // IS-2: the stack is too small for what is nested some thousand times.
      if (error instanceof RangeError) throw new LimitsError(['it is nested too deeply'])
      throw error
    }
  }
}

/** Limits, and the patterns for the feeds that they are for. */
export class Rules {
  private readonly rules: readonly Rule[]
  private readonly exact = new Map<string, number[]>()
  private readonly wild: number[] = []

  /** @param limits - each with its pattern in lower case; where several match, later ones replace earlier ones */
  constructor(limits: readonly (readonly [pattern: string, limits: Limits])[]) {
    this.rules = limits.map(([pattern, one]) => ({ matches: matcherOf(pattern), limits: one }))
    limits.forEach(([pattern], at) => {
      if (pattern.includes('*')) this.wild.push(at)
      else this.exact.set(pattern, [...(this.exact.get(pattern) ?? []), at])
    })
  }

  get size(): number {
    return this.rules.length
  }

  /** Whether any rule withdraws feeds. */
  get withdraws(): boolean {
    return this.rules.some(({ limits }) => typeof limits.withdrawn === 'string')
  }

  /** The limits of a feed by all rules that match; later rules replace earlier ones. Undefined where none matches. */
  limitsFor(names: readonly string[]): Limits | undefined {
    const exact = names.flatMap((name) => this.exact.get(name) ?? [])
    const wild = this.wild.filter((at) => names.some((name) => this.rules[at]!.matches(name)))
    const matching = [...new Set([...exact, ...wild])].sort((a, b) => a - b)
    if (matching.length === 0) return undefined
    const limits: Limits = {}
    for (const at of matching) Object.assign(limits, this.rules[at]!.limits)
    return limits
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new LimitsError([`is no JSON: ${messageOf(error)}`])
  }
}

const shown = (value: unknown): string => beginningOf(JSON.stringify(value) ?? 'nothing', MAX_SHOWN)

/** Finds names that are there twice: `JSON.parse` would silently ignore the first one. */
const repeatedIn = (text: string): string[] => {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { of, name } of membersIn(text)) {
    const pointer = `${of}/${pointerName(name)}`
    if (seen.has(pointer)) repeated.add(`at ${pointer}: is there more than once`)
    seen.add(pointer)
  }
  return [...repeated]
}

const contradictionsIn = (limits: LimitsByPattern): string[] =>
  Object.entries(limits).flatMap(([pattern, { min, max }]) => {
    const at = `at /${pointerName(pattern)}`
    if (pattern.trim() === '') return [`${at}: an empty pattern is not allowed, but the name of a feed`]
    if (min == null || max == null || min <= max) return []
    return [`${at}: min ${min} is not allowed, but one up to max ${max}`]
  })
