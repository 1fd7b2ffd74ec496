import { CodecError } from '../errors'
import type { Postprocessor } from '../processor'
import { partHeaderBytes, partMagic } from './gelf'
import type { PostprocessorMaker } from './postprocessors'

const maxPartBytes = 8192
const maxParts = 128
const dataBytes = maxPartBytes - partHeaderBytes

/** `gelf-chunking` on the way out: cuts a payload into parts of at most 8192 bytes; an empty one gives none. */
export const gelfSplitting = (): PostprocessorMaker => ({
  isStreaming: false,
  make: () => new GelfSplitter(),
})

class GelfSplitter implements Postprocessor {
  private messages = 0n
  private lastIngestNs = 0n

  process(payload: Buffer, ingestNs: bigint): Buffer[] {
    const count = Math.ceil(payload.length / dataBytes)
    if (count > maxParts) throw new CodecError('gelf-chunking: a payload needs too many parts')
    this.lastIngestNs = ingestNs
    const id = BigInt.asUintN(64, (ingestNs & 0xffffn) + (this.messages++ << 16n))
    return Array.from({ length: count }, (_, sequence) => {
      const header = Buffer.allocUnsafe(partHeaderBytes)
      header.writeUInt16BE(partMagic)
      header.writeBigUInt64BE(id, 2)
      header.writeUInt8(sequence, 10)
      header.writeUInt8(count, 11)
      return Buffer.concat([header, payload.subarray(sequence * dataBytes, (sequence + 1) * dataBytes)])
    })
  }

  finish(data?: Buffer): Buffer[] {
    return data ? this.process(data, this.lastIngestNs) : []
  }
}
