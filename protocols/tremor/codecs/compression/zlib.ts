import { brotliCompressSync, brotliDecompressSync, deflateSync, gzipSync, inflateSync } from 'node:zlib'
import type { Algorithm } from './algorithm'
import { bounded } from './bounded-zlib'
import { gunzipMembers } from './gzip'

/** `gzip`: all members, joined. */
export const gzip = (): Algorithm => ({
  decompress: (data, maxBytes, onMember) => gunzipMembers(data, maxBytes, Infinity, onMember),
  compress: (data) => gzipSync(data),
})

/** `zlib` (RFC 1950); bytes after it are ignored. */
export const zlib = (): Algorithm => ({
  decompress(data, maxBytes, onMember) {
    onMember?.()
    return bounded('zlib', maxBytes, (options) => inflateSync(data, options))
  },
  compress: (data) => deflateSync(data),
})

/** `br` */
export const brotli = (): Algorithm => ({
  decompress(data, maxBytes, onMember) {
    onMember?.()
    return bounded('br', maxBytes, (options) => brotliDecompressSync(data, options))
  },
  compress: (data) => brotliCompressSync(data),
})
