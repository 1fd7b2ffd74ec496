import { parseArgs, type ParseArgsConfig } from 'node:util'
import { memberOf, messageOf } from '../util/objects'

/** What the process ends with. */
export type ExitCode = 0 | 1 | 2

export const OK = 0
/** What was asked for has been done, and the answer is no. */
export const FAILED = 1
/** It is not clear what was asked for. */
export const MISUSED = 2

/** @param args - what stands behind the name of the command. Resolves when all is printed */
export type Command = (args: string[]) => Promise<ExitCode>

/** Resolves when the text has left this process, also through a pipe, or when nobody reads it any more (`| head`). */
export const print = (text: string, to: NodeJS.WriteStream = process.stdout): Promise<void> =>
  new Promise((done) => {
    // Without a listener it would end the process, in place of the outcome.
    to.on('error', () => done())
    to.write(`${text}\n`, () => done())
  })

/** The command line cannot be understood. */
export class MisuseError extends Error {}

/** @throws MisuseError for options that there are not */
export const parsed = <T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> => {
  try {
    return parseArgs(config)
  } catch (error) {
    if (!String(memberOf(error, 'code')).startsWith('ERR_PARSE_ARGS')) throw error
    throw new MisuseError(messageOf(error))
  }
}
