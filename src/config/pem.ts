import { type Validator, validator } from '../validation/validators'

const PEM = /-----BEGIN [A-Z ]+-----/

/** The PEM text, decoded if it is base64. Anything else is returned unchanged, so that the TLS library reports it. */
export const pemText = (value: string): string => {
  if (PEM.test(value)) return value
  const decoded = Buffer.from(value, 'base64').toString('utf8')
  return PEM.test(decoded) ? decoded : value
}

/** contract 17.15: keys and certificates may be PEM, or base64 of PEM in one line or several. */
export const pemOrBase64 = (): Validator<string> => {
  const base64 = validator.base64()
  const isPem = (value: unknown) => typeof value === 'string' && PEM.test(value)
  return {
    meta: base64.meta,
    fn: (value) => (isPem(value) ? undefined : base64.fn(value?.replaceAll(/\s/g, ''))),
  }
}
