import { isObject } from './objects'

/** The fields in which errors are logged. */
const ERROR_FIELDS = ['err', 'error']

/** How many causes of an error are looked at, and how deep errors in errors are. */
const MOST_CAUSES = 5

/** Errors of the language: nobody expected them. */
const PLAIN = /^(?:Error|(?:Type|Range|Reference|Syntax|Eval|URI)Error)$/

interface ErrorLike {
  name?: unknown
  message: string
  stack?: string
  cause?: unknown
}

const isErrorLike = (value: unknown): value is ErrorLike =>
  value instanceof Error ||
  (isObject(value) && typeof value.message === 'string' && typeof value.stack === 'string')

/** The messages of an error and of what caused it. */
const messagesOf = (error: ErrorLike): string[] => {
  const messages: string[] = []
  for (let at: unknown = error; isErrorLike(at) && messages.length < MOST_CAUSES; at = at.cause)
    messages.push(at.message)
  return messages
}

/** The plain members of an error as it is serialized, and the errors in it. What else it carries, such as a whole request, is for `debug`. */
const withoutStacks = (shown: object, depth = 0): Record<string, unknown> => {
  const plain: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(shown)) {
    if (name === 'stack') continue
    if (!isObject(value)) plain[name] = value
    else if (depth >= MOST_CAUSES) continue
    else if (isErrorLike(value)) plain[name] = withoutStacks(value, depth + 1)
    else if (Array.isArray(value) && value.some(isErrorLike))
      plain[name] = value.filter(isErrorLike).map((one) => withoutStacks(one, depth + 1))
  }
  return plain
}

/** The innermost call that is neither Node's nor a package's. */
const placeIn = (stack: string | undefined): string | undefined => {
  const calls = (stack ?? '').split('\n').filter((line) => /^ +at /.test(line))
  const place = calls.find((call) => !/node:|node_modules/.test(call)) ?? calls[0]
  return place?.trim().slice('at '.length)
}

/**
 * An error in a line of a log that shows no stacks: what it is, and what the text of the line does not say already. One that nobody
 * expected says where it comes from.
 */
const brief = (
  error: ErrorLike,
  text: string,
  serialize: (error: Error) => object,
): Record<string, unknown> => {
  const shown = withoutStacks(error instanceof Error ? serialize(error) : error)
  if (messagesOf(error).every((message) => text.includes(message))) delete shown.message
  const isExpected = 'code' in error || !PLAIN.test(String(error.name))
  const at = isExpected ? undefined : placeIn(error.stack)
  return at === undefined ? shown : { ...shown, at }
}

/** A field as it is shown. Durations and times are whole milliseconds: the rest is noise of the clock. */
const shownField = (
  name: string,
  fields: Record<string, unknown>,
  text: string,
  serialize: ((error: Error) => object) | undefined,
): unknown => {
  const value = fields[name]
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value) : value
  return serialize !== undefined && isErrorLike(value) ? brief(value, text, serialize) : value
}

/**
 * What is given to a logger, as people read it: milliseconds are whole, and unless stacks are shown, errors are without stack and say nothing
 * that the text of the line says.
 *
 * @param serialize - makes an object of an error; undefined where errors are shown with their stacks
 */
export const readable = (
  args: readonly unknown[],
  serialize: ((error: Error) => object) | undefined,
): readonly unknown[] => {
  const [first, ...rest] = args
  if (!isObject(first)) return args
  // Without a text, that of the error is the text of the line.
  const fields = first instanceof Error ? { err: first } : first
  const texts = rest.length === 0 && isErrorLike(fields.err) ? [fields.err.message] : rest
  const text = typeof texts[0] === 'string' ? texts[0] : ''
  let shown: Record<string, unknown> | undefined
  for (const name of Object.keys(fields)) {
    if (!name.endsWith('Ms') && !ERROR_FIELDS.includes(name)) continue
    const value = shownField(name, fields, text, serialize)
    if (value !== fields[name]) (shown ??= { ...fields })[name] = value
  }
  return shown === undefined ? args : [shown, ...texts]
}
