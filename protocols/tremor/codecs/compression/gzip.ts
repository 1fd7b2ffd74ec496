import { crc32, inflateRawSync } from 'node:zlib'
import { CodecError } from '../errors'
import { type OnMember, tooLong } from './algorithm'
import { bounded } from './bounded-zlib'

const headerBytes = 10
const trailerBytes = 8
const flag = { headerChecksum: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 }

/**
 * Unpacks gzip (RFC 1952) member by member, which the gunzip of node:zlib cannot be told: bytes after the last
 * member that are too few to be a header are ignored, longer ones must be a member.
 *
 * @param maxMembers what comes after so many is ignored
 */
export function gunzipMembers(
  data: Buffer,
  maxBytes: number,
  maxMembers: number,
  onMember?: OnMember,
): Buffer {
  const parts: Buffer[] = []
  let left = maxBytes
  let rest = data
  do {
    onMember?.()
    const { content, bytesRead } = gunzipMember(rest, left)
    left -= content.length
    if (left < 0) throw tooLong('gzip')
    parts.push(content)
    rest = rest.subarray(bytesRead)
  } while (rest.length >= headerBytes && parts.length < maxMembers)
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}

function gunzipMember(data: Buffer, maxBytes: number): { content: Buffer; bytesRead: number } {
  const start = endOfHeader(data)
  const { buffer: content, engine } = bounded(
    'gzip',
    maxBytes,
    (options) =>
      // With `info` the result is the content and the engine, which knows how much it has read.
      inflateRawSync(data.subarray(start), { ...options, info: true }) as unknown as {
        buffer: Buffer
        engine: { bytesWritten: number }
      },
  )
  const end = start + engine.bytesWritten
  if (data.length < end + trailerBytes) throw cut()
  const isIntact = data.readUInt32LE(end) === crc32(content) && data.readUInt32LE(end + 4) === content.length
  if (!isIntact) throw new CodecError('gzip: the checksum is wrong')
  return { content, bytesRead: end + trailerBytes }
}

function endOfHeader(data: Buffer): number {
  if (data.length < headerBytes) throw cut()
  const flags = data[3] ?? 0
  if (data.readUInt16BE() !== 0x1f8b || data[2] !== 8 || flags & flag.reserved) {
    throw new CodecError('gzip: not a gzip header')
  }
  let end = headerBytes
  if (flags & flag.extra) {
    if (data.length < end + 2) throw cut()
    end += 2 + data.readUInt16LE(end)
  }
  if (flags & flag.name) end = afterText(data, end)
  if (flags & flag.comment) end = afterText(data, end)
  if (flags & flag.headerChecksum) {
    if (data.length < end + 2) throw cut()
    if (data.readUInt16LE(end) !== (crc32(data.subarray(0, end)) & 0xffff)) {
      throw new CodecError('gzip: the checksum of the header is wrong')
    }
    end += 2
  }
  return end
}

function afterText(data: Buffer, start: number): number {
  const end = data.indexOf(0, start)
  if (end === -1) throw cut()
  return end + 1
}

const cut = () => new CodecError('gzip: cut off')
