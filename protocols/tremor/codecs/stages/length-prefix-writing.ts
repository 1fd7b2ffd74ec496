import type { PostprocessorMaker } from './postprocessors'
import { statelessPostprocessor } from './stateless'

/** `length-prefixed` on the way out: 8 bytes unsigned big-endian length in front. */
export const lengthPrefixWriting = (): PostprocessorMaker =>
  statelessPostprocessor((payload) => {
    const header = Buffer.allocUnsafe(8)
    header.writeBigUInt64BE(BigInt(payload.length))
    return [Buffer.concat([header, payload])]
  })

/** `textual-length-prefixed` on the way out: decimal length in bytes and a blank in front. */
export const textualPrefixWriting = (): PostprocessorMaker =>
  statelessPostprocessor((payload) => [Buffer.concat([Buffer.from(`${payload.length} `), payload])])
