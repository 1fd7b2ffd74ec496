import { StageBudget } from '../stage-budget'
import { strictConfig, wholeNumber } from '../definition'
import { DefinitionError } from '../errors'
import { HeldBytes } from '../held-bytes'
import type { CodecLimits } from '../limits'
import type { Postprocessor } from '../processor'
import type { PostprocessorMaker } from './postprocessors'

/** `chunk`: joins payloads up to `max_bytes`; a payload longer than that is dropped. */
export function chunking(config: unknown, limits: CodecLimits): PostprocessorMaker {
  const maxBytes = wholeNumber(strictConfig(config, ['max_bytes'], 'chunk'), 'max_bytes', 'chunk')
  if (!maxBytes) throw new DefinitionError('chunk: max_bytes must be a whole number > 0')
  return { isStreaming: true, make: () => new Chunks(maxBytes, limits.maxBufferedBytes) }
}

class Chunks implements Postprocessor {
  private readonly held: HeldBytes

  constructor(
    private readonly maxBytes: number,
    maxBufferedBytes: number,
  ) {
    this.held = new HeldBytes(new StageBudget(maxBufferedBytes))
  }

  process(payload: Buffer): Buffer[] {
    if (payload.length > this.maxBytes) return []
    const length = this.held.length + payload.length
    if (length === this.maxBytes) return [this.held.takeWith(payload)]
    const full = length > this.maxBytes ? [this.held.takeAll()] : []
    this.held.add(payload)
    return full
  }

  finish(data?: Buffer): Buffer[] {
    const full = data ? this.process(data) : []
    return this.held.length > 0 ? [...full, this.held.takeAll()] : full
  }
}
