import { StageBudget } from '../stage-budget'
import { strictConfig, wholeNumber } from '../definition'
import { HeldBytes } from '../held-bytes'
import type { CodecLimits } from '../limits'
import type { Postprocessor } from '../processor'
import type { PostprocessorMaker } from './postprocessors'

/** `collect`: joins everything until the end, or until `max_bytes` would be passed. */
export function collecting(config: unknown, limits: CodecLimits): PostprocessorMaker {
  const record = strictConfig(config, ['max_bytes'], 'collect')
  const maxBytes = wholeNumber(record, 'max_bytes', 'collect') || Infinity
  return { isStreaming: true, make: () => new Collection(maxBytes, limits.maxBufferedBytes) }
}

class Collection implements Postprocessor {
  private readonly held: HeldBytes

  constructor(
    private readonly maxBytes: number,
    maxBufferedBytes: number,
  ) {
    this.held = new HeldBytes(new StageBudget(maxBufferedBytes))
  }

  process(payload: Buffer): Buffer[] {
    const full = this.held.length + payload.length > this.maxBytes ? [this.held.takeAll()] : []
    this.held.add(payload)
    return full
  }

  /** Gives one payload even if nothing was collected. */
  finish(data?: Buffer): Buffer[] {
    const full = data ? this.process(data) : []
    return [...full, this.held.takeAll()]
  }
}
