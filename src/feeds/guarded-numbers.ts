import { decimalText } from '../util/decimal'
import { isObject } from '../util/objects'
import { unlessFlagged } from './guard-policy'
import { type GuardOptions, type GuardReason } from './guards'
import { type AdapterResponse } from './responses'

/** Numbers come from any provider, so every way of writing a decimal is accepted, up to these sizes (NU-11). */
const isDecimal = decimalText({
  sign: '+-',
  leadingZeros: true,
  point: 'anywhere',
  exponentDigits: 2,
  maxDigits: 60,
  maxDigitsInAll: 60,
  maxExponent: 60,
  maxCharacters: 66,
})

const isUnreal = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value)

/** NU-1, for every endpoint: NaN and infinite numbers are never served (JSON would make them null). */
export const isFiniteValue = (response: AdapterResponse): boolean => {
  if (isUnreal(response.result)) return false
  const data: unknown = response.data
  if (!isObject(data)) return true
  const { result, bid, mid, ask } = data
  return !isUnreal(result) && !isUnreal(bid) && !isUnreal(mid) && !isUnreal(ask)
}

/** The number in a guarded field, or what is wrong with it. Values of other types are never converted to numbers (NU-1). */
export const numberIn = (value: unknown): number | GuardReason => {
  if (value === undefined || value === null || value === '') return 'missing'
  const number = typeof value === 'number' ? value : isDecimal(value) ? Number(value) : undefined
  if (number === undefined) return 'not-a-number'
  return Number.isFinite(number) ? number : 'not-finite'
}

/** Reads one field of a response. */
export type Reader = (response: AdapterResponse) => unknown

/** The reader of the field at this path. Made once for each guard, so that no path is split for a message. */
export const readerOf = (path: string): Reader => {
  if (path === 'result') return ({ result }) => result
  const names = path.split('.')
  return (response) =>
    names.reduce<unknown>(
      (of, name) => (isObject(of) && Object.hasOwn(of, name) ? of[name] : undefined),
      response,
    )
}

const SIDES = ['bid', 'mid', 'ask'] as const
/** Members of `data` that are judged wherever they are there. */
export const OPTIONAL = ['result', ...SIDES] as const

const signReason = (number: number, { sign, allowZero }: GuardOptions): GuardReason | undefined =>
  sign !== 'any' && (number < 0 || (number === 0 && allowZero !== true)) ? 'not-positive' : undefined

const sizeReason = (number: number, { min, max }: GuardOptions): GuardReason | undefined =>
  (min !== undefined && number < min) || (max !== undefined && number > max) ? 'out-of-range' : undefined

/** Why a number is refused by its size or its sign. What the policy only flags is noted in `flags`. */
export const rangeReason = (
  number: number,
  options: GuardOptions,
  flags?: GuardReason[],
): GuardReason | undefined =>
  unlessFlagged(signReason(number, options), options, flags) ??
  unlessFlagged(sizeReason(number, options), options, flags)

/** Whether bid ≤ mid ≤ ask does not hold (NU-10). A number that is not there is not compared. */
const isCrossed = ({ bid, mid, ask }: Record<string, unknown>): boolean => {
  if (bid === undefined && ask === undefined) return false
  const [one, other, middle] = [numberIn(bid), numberIn(ask), numberIn(mid)]
  const low = typeof one === 'number' ? one : -Infinity
  const high = typeof other === 'number' ? other : Infinity
  return low > high || (typeof middle === 'number' && (middle < low || middle > high))
}

/** Why the numbers in `data` are refused that the contract names, each by itself and all together. */
export const besideReason = (
  data: unknown,
  options: GuardOptions,
  flags?: GuardReason[],
): GuardReason | undefined => {
  if (!isObject(data)) return undefined
  for (const name of OPTIONAL) {
    if (data[name] === undefined || data[name] === null) continue
    const number = numberIn(data[name])
    const reason = typeof number === 'string' ? number : rangeReason(number, options, flags)
    if (reason !== undefined) return reason
  }
  return unlessFlagged(isCrossed(data) ? 'crossed' : undefined, options, flags)
}
