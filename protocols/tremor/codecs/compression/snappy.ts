import { CodecError } from '../errors'
import { loadSnappy } from '../optional-packages'
import { guarded, tooLong, type Algorithm, type OnMember } from './algorithm'
import { crc32c } from './crc32c'

const identifier = Buffer.from('sNaPpY')
const kind = { compressed: 0x00, uncompressed: 0x01, firstSkippable: 0x80, identifier: 0xff }
const maxBlockBytes = 65536
const checksumBytes = 4

/**
 * `snappy`: the framing format, with its checksums. The package's own framing is asynchronous, so that only its raw
 * blocks are used.
 */
export function snappy(): Algorithm {
  const library = loadSnappy()
  const uncompress = (block: Buffer): Buffer => {
    if (claimedBytes(block) > maxBlockBytes) throw new CodecError('snappy: a block is too long')
    return guarded('snappy', () => library.uncompressSync(block, { asBuffer: true }) as Buffer)
  }
  return {
    decompress(data, maxBytes, onMember) {
      const parts: Buffer[] = []
      let left = maxBytes
      for (const frame of splitFrames(data, onMember)) {
        const body = frame.body.subarray(checksumBytes)
        const part = frame.isCompressed ? uncompress(body) : body
        left -= part.length
        if (left < 0) throw tooLong('snappy')
        if (part.length > maxBlockBytes) throw new CodecError('snappy: a block is too long')
        if (frame.body.readUInt32LE() !== masked(crc32c(part))) {
          throw new CodecError('snappy: the checksum is wrong')
        }
        parts.push(part)
      }
      return Buffer.concat(parts)
    },
    compress(data) {
      const frames = [frameOf(kind.identifier, identifier)]
      for (let start = 0; start < data.length; start += maxBlockBytes) {
        const block = data.subarray(start, start + maxBlockBytes)
        const checksum = Buffer.allocUnsafe(checksumBytes)
        checksum.writeUInt32LE(masked(crc32c(block)))
        frames.push(frameOf(kind.compressed, Buffer.concat([checksum, library.compressSync(block)])))
      }
      return Buffer.concat(frames)
    },
  }
}

const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

/** A raw block begins with its length, seven bits a byte, lowest first. */
function claimedBytes(block: Buffer): number {
  let bytes = 0
  for (const [index, byte] of block.subarray(0, 5).entries()) {
    bytes += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return bytes
  }
  throw new CodecError('snappy: a block has no length')
}

function frameOf(type: number, body: Buffer): Buffer {
  const header = Buffer.allocUnsafe(4)
  header.writeUInt8(type)
  header.writeUIntLE(body.length, 1, 3)
  return Buffer.concat([header, body])
}

/** The frames with content: checksum and block. */
function splitFrames(data: Buffer, onFrame?: OnMember): { isCompressed: boolean; body: Buffer }[] {
  const frames: { isCompressed: boolean; body: Buffer }[] = []
  let at = 0
  do {
    onFrame?.()
    if (data.length < at + 4) throw new CodecError('snappy: cut off')
    const type = data[at] ?? 0
    const end = at + 4 + data.readUIntLE(at + 1, 3)
    if (end > data.length) throw new CodecError('snappy: cut off')
    const body = data.subarray(at + 4, end)
    if (type === kind.identifier ? !body.equals(identifier) : at === 0) {
      throw new CodecError('snappy: not the framing format')
    }
    if (type === kind.compressed || type === kind.uncompressed) {
      if (body.length < checksumBytes) throw new CodecError('snappy: cut off')
      frames.push({ isCompressed: type === kind.compressed, body })
    } else if (type < kind.firstSkippable) {
      throw new CodecError('snappy: a frame of no known type')
    }
    at = end
  } while (at < data.length)
  return frames
}
