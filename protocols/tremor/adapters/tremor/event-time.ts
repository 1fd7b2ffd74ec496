import { isUnixMs } from '../../../../src/transports/peer/terms'
import { decimalText } from '../../../../src/util/decimal'
import { zonedTimeReader } from '../../../../src/util/rfc3339'
import { type ConnectorEvent } from '../..'

type Value = ConnectorEvent['value']

export type TimeUnit = 's' | 'ms' | 'us' | 'ns' | 'iso'

const readIso = zonedTimeReader()
const isDecimal = decimalText({ leadingZeros: true, point: 'inside', maxDigits: 20 })

/** Digits after the point to shift by, from each unit to ms. */
const SHIFT = { s: 3, ms: 0, us: -3, ns: -6 } as const

/**
 * A provider's own time in whole ms, cut; exact for every number that the codec kept exactly. Undefined for a value whose kind or size
 * does not fit its unit (TM-5): a unit is never guessed.
 */
export const eventTime = (value: Value, unit: TimeUnit): number | undefined => {
  const unixMs = unit === 'iso' ? readIso(value) : fromNumber(value, SHIFT[unit])
  return unixMs !== undefined && isUnixMs(unixMs) ? unixMs : undefined
}

const fromNumber = (value: Value, shift: number): number | undefined => {
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined
  const text = String(value)
  if (!isDecimal(text)) return undefined
  const [whole = '', fraction = ''] = text.split('.')
  // By digits: in doubles a second with a fraction is not the millisecond that it names.
  const digits = shift < 0 ? whole.slice(0, shift) : whole + fraction.slice(0, shift).padEnd(shift, '0')
  return digits === '' ? undefined : Number(digits)
}
