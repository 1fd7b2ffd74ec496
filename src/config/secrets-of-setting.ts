import { type CensorKeyValue, escapeRegExp, secretEntry } from '../util/redaction'
import { credentialsIn } from '../util/secret-pieces'
import { isSensitive } from './sensitive'
import { type SettingDefinition } from './setting-types'

/** A shorter number is a part of many others. */
const MIN_DIGITS = 8

/** A number that is a secret, in text: not the digits of a longer one, and not the beginning of one with a fraction. */
const numberEntry = (key: string, value: number): CensorKeyValue[] => {
  const digits = String(value)
  if (digits.replace(/\D/g, '').length < MIN_DIGITS) return []
  return [{ key, value: new RegExp(`(?<![\\w.])${escapeRegExp(digits)}(?!\\w|\\.\\d)`, 'g') }]
}

/**
 * The entries of a setting in the list of secrets (contract 13.3): a secret text, a secret number that is long enough, and of a public text
 * the credentials of the URLs in it.
 *
 * @param name - in the definition, by which it is known whether it is secret
 * @param shownAs - the name in masks
 */
export const secretsOf = (
  definition: SettingDefinition,
  name: string,
  shownAs: string,
  value: unknown,
): CensorKeyValue[] => {
  if (typeof value === 'number') return definition.sensitive === true ? numberEntry(shownAs, value) : []
  if (typeof value !== 'string' || value === '' || definition.type !== 'string') return []
  if (isSensitive(name, definition)) return [secretEntry(shownAs, value)]
  return credentialsIn(value).map((credential) => secretEntry(shownAs, credential))
}
