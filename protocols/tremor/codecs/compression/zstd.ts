import { loadZstd } from '../optional-packages'
import { guarded, tooLong, type Algorithm } from './algorithm'
import { splitZstdFrames } from './zstd-frames'

/** `zstd`: all frames, joined. */
export function zstd(): Algorithm {
  const library = loadZstd()
  return {
    prepare: () => library.init(),
    decompress(data, maxBytes, onMember) {
      const parts: Uint8Array[] = []
      let left = maxBytes
      for (const frame of splitZstdFrames(data, onMember)) {
        if ((frame.contentBytes ?? 0) > left) throw tooLong('zstd')
        // The library reserves what the frame says, or this where it says nothing; it never writes beyond it.
        const defaultHeapSize = Math.min(frame.contentBytes ?? frame.maxContentBytes, left)
        const part = guarded('zstd', () => library.decompress(frame.data, { defaultHeapSize }))
        left -= part.length
        parts.push(part)
      }
      return Buffer.concat(parts)
    },
    compress: (data, level = 0) => Buffer.from(library.compress(data, level)),
  }
}
