import { isFalse, isTrue } from '../util/boolean-text'
import { censor, secretEntry } from '../util/redaction'
import { type Validator } from '../validation/validators'
import { isSensitive, redacted, withoutCredentials } from './sensitive'
import { type SettingDefinition, type ValidSettingValue } from './setting-types'

/**
 * Says what is wrong with the value of a setting; undefined if nothing is. The text never contains the value of a sensitive setting.
 *
 * @param name - name of the variable that was set
 * @param text - the text in the environment, for values that did not parse
 */
export const settingProblem = (
  name: string,
  definition: SettingDefinition,
  value: ValidSettingValue | null | undefined,
  text?: string,
): string | undefined => {
  if (value === undefined || value === null) {
    return definition.required ? 'Value is required, but none was provided' : undefined
  }
  const expected = unparsed(definition, value, text)
  if (expected !== undefined) {
    const received =
      text === undefined ? `${typeof value} ${value}` : `string ${withoutCredentials(name, text)}`
    return `${expected}, Received ${isSensitive(name, definition) ? redacted(name) : received}${wayOut(definition)}`
  }
  if (skipsValidation(value) || !definition.validate) return undefined
  const problem = runValidator(definition.validate as Validator<unknown>, value)
  if (!problem) return undefined
  if (!isSensitive(name, definition)) return withoutCredentials(name, problem)
  return reveals(problem, String(value))
    ? `${definition.validate.meta.details ?? 'Value is not valid'}. Received ${redacted(name)}`
    : problem
}

/** Says what was expected, for a value that is not of its type. */
const unparsed = (
  { type }: SettingDefinition,
  value: ValidSettingValue,
  text: string | undefined,
): string | undefined => {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'Value must be a number'
  return type === 'boolean' && text !== undefined && !isTrue(text) && !isFalse(text)
    ? 'Value must be true or false'
    : undefined
}

/** The end of the message: the rule of the validator, and the default that applies without a value. */
const wayOut = ({ validate, default: usual }: SettingDefinition): string => {
  const rule = validate?.meta.details === undefined ? '' : `. ${validate.meta.details}`
  return usual === undefined ? rule : `${rule}. Leave it unset for ${usual}`
}

// contract 17.14: falsy values skip the validator, so 0 is accepted even where the range starts above it.
const skipsValidation = (value: ValidSettingValue) => !value

// A validator that throws must not hide the problems of the other settings.
const runValidator = ({ fn }: Validator<unknown>, value: unknown): string | undefined => {
  try {
    return fn(value)
  } catch (error) {
    return `Validation failed with ${String(error)}`
  }
}

const tellingLength = 8

/** Whether a text contains a secret, plain or encoded, or a part of it that is long enough to help somebody guess the rest. */
const reveals = (text: string, secret: string): boolean => {
  if (censor(text, [secretEntry('', secret)]) !== text) return true
  const shown = text.toLowerCase()
  const hidden = secret.toLowerCase()
  for (let start = 0; start + tellingLength <= hidden.length; start += 1) {
    if (shown.includes(hidden.slice(start, start + tellingLength))) return true
  }
  return false
}
