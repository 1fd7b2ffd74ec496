import { CodecError, DefinitionError } from '../errors'
import * as rare from '../without-prices'
import { gunzipMembers } from './gzip'
import type { Algorithm, OnMember } from './algorithm'
import { snappy } from './snappy'
import { zlib } from './zlib'
import { zstd } from './zstd'

const shortestBytes = 6
const zlibLevels = new Set([0x01, 0x5e, 0x9c, 0xda])

/**
 * `autodetect`: unpacks what begins like one of the formats, and lets everything else pass unchanged. Text can begin
 * like one of them by chance and fails then.
 */
export function autodetect(): Pick<Algorithm, 'prepare' | 'decompress'> {
  const formats = {
    gzip: {
      decompress: (data: Buffer, maxBytes: number, onMember?: OnMember) =>
        gunzipMembers(data, maxBytes, 1, onMember),
    },
    zlib: zlib(),
    xz: unlessAbsent(() => rare.xz()),
    snappy: unlessAbsent(snappy),
    lz4: unlessAbsent(() => rare.lz4()),
    zstd: unlessAbsent(zstd),
  }
  return {
    prepare: async () => formats.zstd.prepare?.(),
    decompress(data, maxBytes, onMember) {
      const format = detect(data)
      return format ? formats[format].decompress(data, maxBytes, onMember) : data
    },
  }
}

/** Nobody knows which formats will come, so an absent package fails what needs it, when it comes. */
function unlessAbsent(open: () => Algorithm): Pick<Algorithm, 'prepare' | 'decompress'> {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error
    return {
      decompress() {
        throw new CodecError(error.message, { cause: error })
      },
    }
  }
}

function detect(data: Buffer): 'gzip' | 'zlib' | 'xz' | 'snappy' | 'lz4' | 'zstd' | undefined {
  if (data.length < shortestBytes) return undefined
  const [first, second = 0] = data
  if (first === 0x1f && second === 0x8b) return 'gzip'
  if (first === 0x78 && zlibLevels.has(second)) return 'zlib'
  if (data.readUIntBE(0, 6) === 0xfd377a585a00) return 'xz'
  if (first === 0xff || data.toString('latin1', 0, 6) === 'sNaPpY') return 'snappy'
  if (data.readUInt32BE() === 0x04224d18) return 'lz4'
  if (data.readUInt32BE() === 0x28b52ffd) return 'zstd'
  return undefined
}
