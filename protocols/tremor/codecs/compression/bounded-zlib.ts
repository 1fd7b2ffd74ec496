import type { ZlibOptions } from 'node:zlib'
import { guarded, tooLong } from './algorithm'

/** Runs a decoder of node:zlib, which stops as soon as the result is too long. */
export function bounded<T>(name: string, maxBytes: number, run: (options: ZlibOptions) => T): T {
  return guarded(name, () => {
    try {
      return run({ maxOutputLength: Math.max(maxBytes, 1) })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(name)
      throw error
    }
  })
}
