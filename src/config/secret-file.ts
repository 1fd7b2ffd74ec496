import { readFileSync, statSync } from 'node:fs'
import { memberOf } from '../util/objects'

/** No key or certificate is as long, and what is longer is some other file. */
const MAX_BYTES = 1_048_576

/** The variable with the path of a file that has a setting's value, as orchestrators mount secrets. Only secrets have one. */
export const fileVariable = (variable: string): string => `${variable}_FILE`

/** The text of a secret, or why it cannot be used. The path is in no message: somebody may have put the secret itself there. */
export type SecretFile = { text: string; problem?: never } | { text?: never; problem: string }

/** Reads a file with a secret. Line ends at its end are no part of it, because most editors and tools write one there. */
export const readSecretFile = (path: string): SecretFile => {
  try {
    const stats = statSync(path)
    // A pipe could block the start for ever.
    if (!stats.isFile()) return { problem: 'Value must be the path of a file, and this is something else' }
    if (stats.size > MAX_BYTES) return { problem: `The file must have at most ${MAX_BYTES} bytes` }
    const text = readFileSync(path, 'utf8')
      .replace(/^\uFEFF/, '')
      .replace(/[\r\n]+$/, '')
    return text === '' ? { problem: 'The file is empty' } : { text }
  } catch (error) {
    return { problem: `The file cannot be read (${String(memberOf(error, 'code'))})` }
  }
}
