/** How a decimal number may be written. Protocols differ in that, so nothing but plain whole digits is taken unless it is named here. */
export interface DecimalForm {
  /** The signs that may stand in front. Default: none. */
  sign?: '+' | '-' | '+-'
  /** Whether `007` is a number. Default: it is not. */
  leadingZeros?: boolean
  /** Where a point may stand: nowhere, between two digits, or also at either end (`5.` and `.5`). */
  point: 'nowhere' | 'inside' | 'anywhere'
  /** An exponent may have so many digits. Default 0: there is no exponent. */
  exponentDigits?: number
  /** So many digits may stand in front of the point, and as many behind it. Default: any number. */
  maxDigits?: number
  /** The text may have so many characters, sign, point and exponent included. Default: any number. */
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

/**
 * Makes a check for decimal text of one form, in ASCII digits. It takes no longer than the text is long. A text that passes is one that
 * `Number` reads, and where there is neither point nor exponent nor `+`, `BigInt` too.
 */
export const decimalText = (form: DecimalForm): ((value: unknown) => value is string) => {
  const pattern = patternOf(form)
  const { maxCharacters = Infinity } = form
  return (value): value is string =>
    typeof value === 'string' && value.length <= maxCharacters && pattern.test(value)
}

/**
 * The double nearest to decimal text; undefined for a number that is too large for a double.
 *
 * @param tooSmall - what becomes of a number that is not zero, but nearer to zero than any other double
 */
export const nearestDouble = (decimal: string, tooSmall: 'zero' | 'refused'): number | undefined => {
  const number = Number(decimal)
  if (!Number.isFinite(number)) return undefined
  // A digit that is not zero, in front of the exponent.
  const hasVanished = number === 0 && /^[^eE]*[1-9]/.test(decimal)
  return hasVanished && tooSmall === 'refused' ? undefined : number
}
