import { CodecError } from '../errors'
import type { OnMember } from './algorithm'

/** One frame with content, with what can be known of its length before it is unpacked. */
export interface ZstdFrame {
  data: Buffer
  /** Where the frame says so. */
  contentBytes: number | undefined
  maxContentBytes: number
}

const magic = 0xfd2fb528
const maxBlockContent = 128 * 1024

/**
 * Cuts a chunk into its frames (RFC 8878), since the library takes one at a time and believes what a frame says of
 * its length. Skippable frames are left out.
 *
 * @throws CodecError where it is no sequence of complete frames, or there is none
 */
export function splitZstdFrames(data: Buffer, onPart?: OnMember): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  let rest = data
  try {
    do {
      onPart?.()
      const isSkippable = (rest.readUInt32LE() & 0xfffffff0) === 0x184d2a50
      const frame = isSkippable ? undefined : measureFrame(rest, onPart)
      const bytes = frame ? frame.data.length : 8 + rest.readUInt32LE(4)
      if (bytes > rest.length) throw new CodecError('zstd: cut off')
      if (frame) frames.push(frame)
      rest = rest.subarray(bytes)
    } while (rest.length > 0)
  } catch (cause) {
    if (cause instanceof RangeError) throw new CodecError('zstd: cut off', { cause })
    throw cause
  }
  return frames
}

function measureFrame(data: Buffer, onBlock?: OnMember): ZstdFrame {
  if (data.readUInt32LE() !== magic) throw new CodecError('zstd: not a frame')
  const { headerBytes, contentBytes, hasChecksum } = readHeader(data)
  let at = headerBytes
  let maxContentBytes = 0
  for (let isLast = false; !isLast;) {
    onBlock?.()
    const header = data.readUIntLE(at, 3)
    const [type, size] = [(header >> 1) & 3, header >> 3]
    isLast = (header & 1) === 1
    // 0 as it is, 1 one byte many times, 2 compressed
    if (type === 3) throw new CodecError('zstd: a block of no known type')
    at += 3 + (type === 1 ? 1 : size)
    maxContentBytes += type === 2 ? maxBlockContent : size
  }
  const bytes = at + (hasChecksum ? 4 : 0)
  if (bytes > data.length) throw new CodecError('zstd: cut off')
  if (contentBytes !== undefined && contentBytes > maxContentBytes) {
    throw new CodecError('zstd: a frame claims more than it has')
  }
  return { data: data.subarray(0, bytes), contentBytes, maxContentBytes }
}

function readHeader(data: Buffer): {
  headerBytes: number
  contentBytes: number | undefined
  hasChecksum: boolean
} {
  const descriptor = data.readUInt8(4)
  const isSingleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  return {
    headerBytes: at + sizeBytes,
    contentBytes: sizeBytes === 0 ? undefined : readContentBytes(data, at, sizeBytes),
    hasChecksum: (descriptor & 4) !== 0,
  }
}

function readContentBytes(data: Buffer, at: number, sizeBytes: number): number {
  if (sizeBytes === 8) return Number(data.readBigUInt64LE(at))
  return data.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
}
