import type { Codec } from '../codec'
import type { CodecLimits } from '../limits'
import { decodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import { readSyslog } from './syslog-reading'
import { writeSyslog } from './syslog-writing'

/**
 * `syslog`: RFC 5424, RFC 3164, and any other text as a message without a header, as `{protocol,
 * protocol_version?, severity?, facility?, timestamp?, hostname?, appname?, procid?, msgid?, structured_data?, msg}`;
 * times in nanoseconds. Structured data is `{id: [{name: text}, ...]}`.
 */
export const syslog = (_config: unknown, limits: CodecLimits): Codec => ({
  decode: (chunk, { ingestNs }) => ({
    value: readSyslog(decodeUtf8(chunk), ingestNs, new TreeGuard(limits)),
  }),
  encode: writeSyslog,
})
