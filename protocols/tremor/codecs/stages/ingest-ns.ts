import { CodecError } from '../errors'
import type { PostprocessorMaker } from './postprocessors'
import type { PreprocessorMaker } from './preprocessors'
import { statelessPreprocessor } from './stateless'

/** `ingest-ns` on the way in: the first 8 bytes, unsigned big-endian, become the ingest time of the chunk. */
export const ingestNsReading = (): PreprocessorMaker =>
  statelessPreprocessor(({ data }) => {
    if (data.length < 8) throw new CodecError('ingest-ns: fewer than 8 bytes')
    return [{ data: data.subarray(8), ingestNs: data.readBigUInt64BE() }]
  })

/** `ingest-ns` on the way out: the ingest time of the event in front of its payload. */
export const ingestNsWriting = (): PostprocessorMaker => ({
  isStreaming: false,
  make() {
    let last = 0n
    const write = (payload: Buffer) => {
      const stamped = Buffer.allocUnsafe(8 + payload.length)
      stamped.writeBigUInt64BE(last)
      payload.copy(stamped, 8)
      return [stamped]
    }
    return {
      process(payload, ingestNs) {
        last = ingestNs
        return write(payload)
      },
      // What comes at the end has no event of its own: the last one's time stands for it.
      finish: (data) => (data ? write(data) : []),
    }
  },
})
