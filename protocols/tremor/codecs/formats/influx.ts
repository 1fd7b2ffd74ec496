import type { Codec } from '../codec'
import type { CodecLimits } from '../limits'
import { InfluxReader } from './influx-reading'
import { writeInflux } from './influx-writing'
import { decodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'

/**
 * `influx`: one line of the line protocol,
 * `measurement[,tag=value...] field=value[,field=value...] [nanoseconds]`, as
 * `{measurement, tags, fields, timestamp}`. Empty lines and comments are nothing.
 */
export const influx = (_config: unknown, limits: CodecLimits): Codec => ({
  decode(chunk, { ingestNs }) {
    const line = decodeUtf8(chunk).trim()
    if (line === '' || line.startsWith('#')) return undefined
    return { value: new InfluxReader(line, new TreeGuard(limits)).line(ingestNs) }
  },
  encode: writeInflux,
})
