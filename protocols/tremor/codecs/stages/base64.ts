import { CodecError } from '../errors'
import type { PostprocessorMaker } from './postprocessors'
import type { PreprocessorMaker } from './preprocessors'
import { statelessPostprocessor, statelessPreprocessor } from './stateless'

/** `base64` on the way in. */
export const base64Decoding = (): PreprocessorMaker =>
  statelessPreprocessor(({ data, ingestNs }) => [{ data: decodeBase64(data), ingestNs }])

/** `base64` on the way out, padded. */
export const base64Encoding = (): PostprocessorMaker =>
  statelessPostprocessor((payload) => [Buffer.from(payload.toString('base64'))])

/**
 * Standard alphabet; padding may be complete, partial or missing. Node's own decoder takes almost anything, so the
 * result must give the same signs when it is encoded again: that refuses foreign signs, left-over bits and lengths
 * that no bytes have.
 */
function decodeBase64(data: Buffer): Buffer {
  const text = data.toString('latin1')
  const decoded = Buffer.from(text, 'base64')
  const canonical = decoded.toString('base64')
  const signs = canonical.replace(/=+$/, '')
  if (!canonical.startsWith(text) || text.length < signs.length) {
    throw new CodecError('base64: not canonical base64')
  }
  return decoded
}
