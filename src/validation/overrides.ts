import { isObject } from '../util/objects'
import { InputValidationError } from './input-errors'

/** Symbol replacements and transport choices of a request, by adapter name (contract 2.1). */
export type Overrides = {
  [adapterName: string]: {
    [symbol: string]: string
    transport: string
  }
}

/**
 * Checks the shape of a request's `overrides`, if it has any (contract 5.3). Falsy overrides count as absent, and so
 * does null for one adapter.
 *
 * @throws AdapterError (status 400) naming what is wrong
 */
export const validateOverrides = (input: { overrides?: Overrides }): void => {
  const overrides: unknown = Object.hasOwn(input, 'overrides') ? input.overrides : undefined
  if (!overrides) return
  if (!isObject(overrides)) throw new InputValidationError('Overrides should be an object')
  for (const [adapterName, replacements] of Object.entries(overrides)) {
    if (replacements === null) continue
    if (!isObject(replacements)) {
      throw new InputValidationError(`Overrides for adapter "${adapterName}" should be an object`)
    }
    for (const [symbol, replacement] of Object.entries(replacements)) {
      if (typeof replacement !== 'string') {
        throw new InputValidationError(
          `Overrides should map strings to strings, got ${symbol} to ${printable(replacement)}`,
        )
      }
    }
  }
}

const maxPrintedDepth = 4

// The same as `String(value)`, but safe for everything that a client can send: an object may have a `toString` that is no
// function, and `String` would overflow the stack on a list that is nested very deeply.
const printable = (value: unknown, depth = 0): string => {
  if (typeof value !== 'object' || value === null) return String(value)
  if (!Array.isArray(value) || depth === maxPrintedDepth) return '[object Object]'
  return value.map((element) => (element == null ? '' : printable(element, depth + 1))).join()
}
