import { CodecError } from '../errors'
import { loadLz4 } from '../optional-packages'
import { guarded, tooLong, type Algorithm } from './algorithm'
import { measureLz4Frame } from './lz4-frame'

/** `lz4` frames with their checksums: the first one counts, bytes after it are ignored. */
export function lz4(): Algorithm {
  const library = loadLz4()
  return {
    decompress(data, maxBytes, onMember) {
      onMember?.()
      // The library has no limit: what the frame becomes is counted before it is unpacked.
      const frame = guarded('lz4', () => measureLz4Frame(data, onMember))
      if (frame.contentBytes > maxBytes) throw tooLong('lz4')
      const content = guarded('lz4', () => library.decompressFrameSync(data.subarray(0, frame.bytes)))
      if (content.length !== frame.contentBytes) throw new CodecError('lz4: cut off')
      return content
    },
    // The library has one level; an operator's is checked and changes nothing.
    compress: (data) => library.compressFrameSync(data, { contentChecksum: true }),
  }
}
