import type { Codec } from '../codec'
import { isJsonRecord } from '../definition'
import { DefinitionError } from '../errors'
import type { CodecLimits } from '../limits'
import { decodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import { JsonReader } from './json-reader'
import { writeJson } from './json-text'

/** `json`: one document per chunk. */
export function json(config: unknown, limits: CodecLimits): Codec {
  const style = { isSorted: readMode(config) === 'sorted', bytesAs: 'base64' as const }
  return {
    decode: (chunk) => ({ value: new JsonReader(decodeUtf8(chunk), new TreeGuard(limits)).document() }),
    encode: (value) => Buffer.from(writeJson(value, style, limits)),
  }
}

function readMode(config: unknown): 'sorted' | 'unsorted' {
  const mode = isJsonRecord(config) ? (config.mode ?? 'unsorted') : 'unsorted'
  if (mode !== 'sorted' && mode !== 'unsorted') {
    throw new DefinitionError('codec json: mode is sorted or unsorted')
  }
  return mode
}
