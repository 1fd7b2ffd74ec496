import { isObject } from './objects'

/**
 * What an author's code passes is checked by types only where it is written in TypeScript. A check says in words what is wrong with a value
 * at a place, such as `handlers.message`; it never shows the value, which may be a secret.
 */
export type Check = (value: unknown, place: string) => string[]

/** The members that an object may have, each with its check. Others are not looked at. */
export type Shape = Readonly<Record<string, Check>>

const kindOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  const kind = typeof value
  return kind === 'object' ? 'an object' : `a ${kind}`
}

const must =
  (expected: string, fits: (value: unknown) => boolean): Check =>
  (value, place) => {
    if (fits(value)) return []
    const is = value === undefined ? 'is missing' : `is ${kindOf(value)}`
    return [`${place} ${is}; expected ${expected}`]
  }

const isPlain = (value: unknown): value is Record<string, unknown> => isObject(value) && !Array.isArray(value)

const at = (place: string, name: string): string => (place === '' ? name : `${place}.${name}`)

export const aFunction = must('a function', (value) => typeof value === 'function')
export const aText = must('a string', (value) => typeof value === 'string')
export const aNumber = must('a number', (value) => typeof value === 'number')
export const aBoolean = must('true or false', (value) => typeof value === 'boolean')
export const oneOf = (...options: readonly string[]): Check =>
  must(`one of ${options.join(', ')}`, (value) => options.some((option) => option === value))
export const anObject = must('an object', isPlain)

/** One that may be absent: undefined, or null. */
export const optional =
  (check: Check): Check =>
  (value, place) =>
    value === undefined || value === null ? [] : check(value, place)

export const either =
  (expected: string, ...checks: Check[]): Check =>
  (value, place) =>
    must(expected, () => checks.some((check) => check(value, place).length === 0))(value, place)

export const listOf =
  (check: Check): Check =>
  (value, place) =>
    Array.isArray(value)
      ? value.flatMap((one, index) => check(one, `${place}[${index}]`))
      : must('an array', () => false)(value, place)

/** A getter is left alone: it may read what is not known before the start, such as settings. */
const isLate = (of: object, name: string): boolean =>
  Object.getOwnPropertyDescriptor(of, name)?.get !== undefined

const checked = (
  of: Record<string, unknown>,
  shape: Shape,
  place: string,
): [name: string, lines: string[]][] =>
  Object.entries(shape).map(([name, check]) => [
    name,
    isLate(of, name) ? [] : check(of[name], at(place, name)),
  ])

export const members =
  (shape: Shape): Check =>
  (value, place) =>
    isPlain(value) ? checked(value, shape, place).flatMap(([, lines]) => lines) : anObject(value, place)

/** The same for an object that has no other members: one that is misspelt would have no effect. */
export const onlyMembers =
  (shape: Shape): Check =>
  (value, place) => {
    const unknown = isPlain(value) ? Object.keys(value).filter((name) => !Object.hasOwn(shape, name)) : []
    const known = Object.keys(shape).join(', ')
    return [
      ...unknown.map((name) => `${at(place, name)} is not known; there are ${known}`),
      ...members(shape)(value, place),
    ]
  }

/** An object of a class that is known by some of its methods: that of another copy of this package is as good. */
export const made = (expected: string, ...methods: string[]): Check =>
  must(expected, (value) => isObject(value) && methods.every((name) => typeof value[name] === 'function'))

const mistakes = new WeakMap<object, readonly string[]>()

/** What was wrong with that from which an object was made. */
export const mistakesOf = (maker: object): readonly string[] => mistakes.get(maker) ?? []

/**
 * What a constructor was given, without the members that are wrong: those are noted, so that the object can still be made, and all mistakes
 * of an adapter be told at once before it starts.
 *
 * @param instead - in place of what is missing or wrong and cannot be done without
 */
export const wellShaped = <P extends object>(
  maker: object,
  given: P,
  shapeOf: Shape | ((given: object) => Shape),
  instead: Partial<P> = {},
): P => {
  const values: unknown = given
  if (!isPlain(values)) {
    mistakes.set(maker, anObject(values, 'the argument of its constructor'))
    return instead as P
  }
  const shape = typeof shapeOf === 'function' ? shapeOf(values) : shapeOf
  const wrong = checked(values, shape, '').filter(([, lines]) => lines.length > 0)
  if (wrong.length === 0) return given
  mistakes.set(
    maker,
    wrong.flatMap(([, lines]) => lines),
  )
  const rest = Object.getOwnPropertyDescriptors(values)
  for (const [name] of wrong) delete rest[name]
  return Object.defineProperties({ ...instead }, rest) as P
}
