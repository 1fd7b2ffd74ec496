import { readFileSync } from 'node:fs'
import { memberOf } from '../util/objects'
import { type Validator, validator } from '../validation/validators'

const PEM = /-----BEGIN [A-Z ]+-----/

/** The PEM text, decoded if it is base64. Anything else is returned unchanged, so that the TLS library reports it. */
export const pemText = (value: string): string => {
  if (PEM.test(value)) return value
  const decoded = Buffer.from(value, 'base64').toString('utf8')
  return PEM.test(decoded) ? decoded : value
}

/** Whether a value is the path of a file. No base64 of PEM begins so. */
export const isPemFile = (value: string): boolean => /^(?:\.{0,2}[\\/]|[a-z]:[\\/])[^\r\n]*$/i.test(value)

/**
 * The PEM text that a value is, or that the file with this path has.
 *
 * @throws Error for a file that cannot be read; the message does not name it
 */
export const readPem = (value: string): string => {
  if (!isPemFile(value)) return pemText(value)
  try {
    return pemText(readFileSync(value, 'utf8'))
  } catch (error) {
    throw new Error(`The file cannot be read (${String(memberOf(error, 'code'))})`, { cause: error })
  }
}

/** contract 17.15: keys and certificates may be PEM, or base64 of PEM in one line or several; or the path of a file with that. */
export const pemOrBase64 = (): Validator<string> => {
  const base64 = validator.base64()
  const isPem = (value: unknown) => typeof value === 'string' && PEM.test(value)
  return {
    meta: base64.meta,
    fn: (value) =>
      isPem(value) || (typeof value === 'string' && isPemFile(value))
        ? undefined
        : base64.fn(value?.replaceAll(/\s/g, '')),
  }
}
