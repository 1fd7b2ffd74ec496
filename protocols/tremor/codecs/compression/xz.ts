import { loadLzma } from '../optional-packages'
import { guarded, tooLong, type Algorithm } from './algorithm'
import { measureXzContent } from './xz-stream'

/** `xz2`: one .xz stream and nothing after it. */
export function xz(): Algorithm {
  const library = loadLzma().xz
  return {
    decompress(data, maxBytes, onMember) {
      onMember?.()
      // The library has no limit: what the stream becomes is counted before it is unpacked.
      if (guarded('xz2', () => measureXzContent(data, onMember)) > maxBytes) throw tooLong('xz2')
      return guarded('xz2', () => library.decompressSync(data))
    },
    // The library has one level; an operator's is checked and changes nothing.
    compress: (data) => library.compressSync(data),
  }
}
