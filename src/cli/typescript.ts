import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MisuseError } from './command'

const loaderBeside = (file: string): string => {
  try {
    return createRequire(resolve(file)).resolve('tsx')
  } catch {
    throw new MisuseError(`${file} is TypeScript, and tsx is not installed there: npm install --save-dev tsx`)
  }
}

/**
 * Makes this process able to load a file, which may be TypeScript: by the `tsx` that is installed where the file is.
 *
 * @throws MisuseError when it is TypeScript, and there is none
 */
export const makeLoadable = async (file: string): Promise<void> => {
  if (/\.[cm]?tsx?$/.test(file)) await import(pathToFileURL(loaderBeside(file)).href)
}
