import { CodecError } from '../errors'
import type { OnMember } from './algorithm'

const streamHeaderBytes = 12
const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]
const lzma2 = 0x21

/**
 * Walks the blocks of an .xz stream and the LZMA2 chunks in them, each of which says what it becomes, without
 * unpacking them.
 *
 * @returns the length of the content, bytes
 * @throws CodecError, or RangeError where it is cut off
 */
export function measureXzContent(data: Buffer, onPart?: OnMember): number {
  if (data.length < streamHeaderBytes || data.readUIntBE(0, 6) !== 0xfd377a585a00) {
    throw new CodecError('xz2: not an .xz stream')
  }
  const check = checkBytes[data.readUInt8(7) & 15] ?? 0
  let at = streamHeaderBytes
  let contentBytes = 0
  for (let size = data.readUInt8(at); size !== 0; size = data.readUInt8(at)) {
    onPart?.()
    refuseOtherFilters(data.subarray(at))
    const chunks = measureChunks(data, at + (size + 1) * 4, onPart)
    contentBytes += chunks.contentBytes
    at = roundUp(chunks.end) + check
  }
  return contentBytes
}

/** Blocks start at multiples of 4, so the padding after a block ends at one. */
const roundUp = (offset: number): number => Math.ceil(offset / 4) * 4

/** LZMA2 alone is what every .xz without a special purpose has; its chunks can be counted. */
function refuseOtherFilters(block: Buffer): void {
  const flags = block.readUInt8(1)
  let at = 2
  const skipNumber = () => {
    while (block.readUInt8(at++) & 0x80);
  }
  if (flags & 0x40) skipNumber()
  if (flags & 0x80) skipNumber()
  if ((flags & 0x03) !== 0 || block.readUInt8(at) !== lzma2) {
    throw new CodecError('xz2: filters other than LZMA2 are not supported')
  }
}

function measureChunks(
  data: Buffer,
  start: number,
  onChunk?: OnMember,
): { end: number; contentBytes: number } {
  let at = start
  let contentBytes = 0
  for (let control = data.readUInt8(at); control !== 0; control = data.readUInt8(at)) {
    onChunk?.()
    if (control >= 0x80) {
      contentBytes += ((control & 0x1f) << 16) + data.readUInt16BE(at + 1) + 1
      at += (control >= 0xc0 ? 6 : 5) + data.readUInt16BE(at + 3) + 1
    } else {
      const size = data.readUInt16BE(at + 1) + 1
      contentBytes += size
      at += 3 + size
    }
  }
  return { end: at + 1, contentBytes }
}
