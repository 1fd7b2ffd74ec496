import { type Validator } from '../../../../src/public/validation/utils'

/**
 * Accepts any JSON. Its meaning is checked by the code that reads it.
 *
 * @param what - names it in the refusal, which never repeats the text: it may be secret
 * @param plain - texts that need not be JSON
 */
export const jsonSetting = (what: string, plain?: RegExp): Validator<string> => ({
  meta: {},
  fn: (text) =>
    text === undefined || plain?.test(text) || isJson(text) ? undefined : `Value must be ${what} as JSON`,
})

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
