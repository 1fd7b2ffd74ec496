/** How a decimal number may be written. Protocols differ in this, so everything beside plain digits has to be allowed here. */
export interface DecimalForm {
  /** The signs that may stand in front. Default: none. */
  sign?: '+' | '-' | '+-'
  /** Whether `007` is accepted. Default: it is not. */
  leadingZeros?: boolean
  /** Where a point may stand: nowhere, between two digits, or also at either end (`5.` and `.5`). */
  point: 'nowhere' | 'inside' | 'anywhere'
  /** Most digits of an exponent. Default 0: no exponent is accepted. */
  exponentDigits?: number
  /** Most digits before the point, and most digits after it. Default: any number. */
  maxDigits?: number
  /** The largest exponent, whatever its sign. Default: as its digits allow. */
  maxExponent?: number
  /** Most digits before and after the point together. Default: any number. */
  maxDigitsInAll?: number
  /** Most characters of the whole text, with sign, point and exponent. Default: any number. */
  maxCharacters?: number
}

const patternOf = ({ sign, leadingZeros, point, exponentDigits = 0, maxDigits }: DecimalForm): RegExp => {
  const digits = maxDigits === undefined ? '\\d+' : `\\d{1,${maxDigits}}`
  const more = maxDigits === undefined ? '*' : `{0,${maxDigits - 1}}`
  const whole = leadingZeros ? digits : `(?:0|[1-9]\\d${more})`
  const number = {
    nowhere: whole,
    inside: `${whole}(?:\\.${digits})?`,
    anywhere: `(?:${whole}(?:\\.(?:${digits})?)?|\\.${digits})`,
  }[point]
  const signs = sign === undefined ? '' : `[${sign}]?`
  const power = exponentDigits === Infinity ? '\\d+' : `\\d{1,${exponentDigits}}`
  const exponent = exponentDigits === 0 ? '' : `(?:[eE][+-]?${power})?`
  return new RegExp(`^${signs}${number}${exponent}$`)
}

const isWithin = (
  text: string,
  { maxExponent = Infinity, maxDigitsInAll = Infinity }: DecimalForm,
): boolean => {
  if (maxExponent === Infinity && maxDigitsInAll === Infinity) return true
  const [mantissa = '', exponent = '0'] = text.split(/e/i)
  return Math.abs(Number(exponent)) <= maxExponent && mantissa.replace(/\D/g, '').length <= maxDigitsInAll
}

/**
 * Makes a check for decimal text of one form, in ASCII digits. Its time grows only with the length of the text. `Number` can read every
 * text that passes; so can `BigInt`, if the text has no point, no exponent and no `+`.
 */
export const decimalText = (form: DecimalForm): ((value: unknown) => value is string) => {
  const pattern = patternOf(form)
  const { maxCharacters = Infinity } = form
  return (value): value is string =>
    typeof value === 'string' && value.length <= maxCharacters && pattern.test(value) && isWithin(value, form)
}

/**
 * The double nearest to decimal text; undefined for a number that is too large for a double.
 *
 * @param tooSmall - what to do with a number that is not zero, but whose nearest double is zero
 */
export const nearestDouble = (decimal: string, tooSmall: 'zero' | 'refused'): number | undefined => {
  const number = Number(decimal)
  if (!Number.isFinite(number)) return undefined
  // The text has a digit other than zero before its exponent, so its value is not zero.
  const hasVanished = number === 0 && /^[^eE]*[1-9]/.test(decimal)
  return hasVanished && tooSmall === 'refused' ? undefined : number
}
