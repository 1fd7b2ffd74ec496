import { credentialsIn } from '../util/secret-pieces'

const alwaysSecret = /RPC_URL|API_KEY/i

/**
 * Whether a setting's value must never be shown (contract 13.3). That is so for strings unless they are declared `sensitive: false`, for
 * all settings declared `sensitive: true`, and for all whose name contains `RPC_URL` or `API_KEY`.
 */
export const isSensitive = (
  name: string,
  definition: { type: string; sensitive?: boolean | undefined },
): boolean =>
  isDeclaredSecret(name, definition) || (definition.type === 'string' && definition.sensitive !== false)

/** Whether it is so by its name or its definition, and not only because nobody has said that it is public. */
export const isDeclaredSecret = (name: string, definition: { sensitive?: boolean | undefined }): boolean =>
  alwaysSecret.test(name) || definition.sensitive === true

/** The text that is shown instead of a secret. */
export const redacted = (name: string) => `[${name} REDACTED]`

/** A public text without the credentials of the URLs in it. */
export const withoutCredentials = (name: string, text: string): string =>
  credentialsIn(text).reduce((safe, credential) => safe.replaceAll(credential, redacted(name)), text)
