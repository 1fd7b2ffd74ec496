import { CodecError, ExcessError } from '../errors'

export type OnMember = () => void

/** A compression format, with its package loaded. One chunk is one complete compressed object. */
export interface Algorithm {
  /** Loads what can only be loaded asynchronously; to be awaited before anything else is called. */
  prepare?(): Promise<void>
  /**
   * @param maxBytes what the result may have at most; no more memory than about that is used to find out
   * @param onMember called before each further object, frame or block is looked at; what it throws ends the work
   * @throws CodecError where the chunk is not of this format, is cut or damaged, ExcessError where it becomes too long
   */
  decompress(data: Buffer, maxBytes: number, onMember?: OnMember): Buffer
  compress(data: Buffer, level?: number): Buffer
}

export const tooLong = (name: string): ExcessError => new ExcessError(`${name}: a chunk becomes too long`)

/** Runs a decoder of somebody else, whose errors are all one: the content is not of this format. */
export function guarded<T>(name: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof CodecError) throw cause
    throw new CodecError(`${name}: not a complete, undamaged object of this format`, { cause })
  }
}
