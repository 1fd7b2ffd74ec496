import { CodecError } from '../errors'
import type { OnMember } from './algorithm'

const magic = 0x184d2204
const rawBlock = 0x80000000

/**
 * Walks the first lz4 frame of a chunk without unpacking it.
 *
 * @returns its length and the length of what it becomes
 * @throws CodecError, or RangeError where it is cut off
 */
export function measureLz4Frame(data: Buffer, onBlock?: OnMember): { bytes: number; contentBytes: number } {
  if (data.readUInt32LE() !== magic) throw new CodecError('lz4: not a frame')
  const flags = data.readUInt8(4)
  const hasBlockChecksums = (flags & 0x10) !== 0
  // Magic, flags, block size, then content size (8) and dictionary (4) where flagged, header checksum.
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
  let contentBytes = 0
  for (let size = data.readUInt32LE(at); size !== 0; size = data.readUInt32LE(at)) {
    onBlock?.()
    at += 4
    const blockBytes = size % rawBlock
    if (at + blockBytes > data.length) throw new CodecError('lz4: cut off')
    contentBytes += size >= rawBlock ? blockBytes : measureBlock(data.subarray(at, at + blockBytes))
    at += blockBytes + (hasBlockChecksums ? 4 : 0)
  }
  const bytes = at + 4 + (flags & 0x04 ? 4 : 0)
  if (bytes > data.length) throw new CodecError('lz4: cut off')
  return { bytes, contentBytes }
}

/** Sums the lengths of literals and matches: the sequences of a block, without what they stand for. */
function measureBlock(block: Buffer): number {
  let at = 0
  let bytes = 0
  const length = (nibble: number): number => {
    let sum = nibble
    for (let more = nibble === 15 ? 255 : 0; more === 255; sum += more) more = block.readUInt8(at++)
    return sum
  }
  while (at < block.length) {
    const token = block.readUInt8(at++)
    const literals = length(token >> 4)
    at += literals
    bytes += literals
    if (at >= block.length) break
    at += 2
    bytes += length(token & 15) + 4
  }
  return bytes
}
