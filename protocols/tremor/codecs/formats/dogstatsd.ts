import type { Codec } from '../codec'
import type { CodecLimits } from '../limits'
import { decodeUtf8 } from '../text'
import { TreeGuard } from '../tree-guard'
import { emptyRecord, type ValueRecord } from '../value'
import { readEvent, readMetric, readServiceCheck } from './dogstatsd-reading'
import { writeDogstatsd } from './dogstatsd-writing'

/** `dogstatsd`: one metric, event or service check per chunk, as `{metric}`, `{event}` or `{service_check}`. */
export const dogstatsd = (_config: unknown, limits: CodecLimits): Codec => ({
  decode(chunk) {
    const guard = new TreeGuard(limits)
    const head = chunk.toString('latin1', 0, 4)
    if (head.startsWith('_e{')) return { value: only('event', readEvent(chunk, guard)) }
    if (head === '_sc|') return { value: only('service_check', readServiceCheck(decodeUtf8(chunk), guard)) }
    return { value: only('metric', readMetric(decodeUtf8(chunk), guard)) }
  },
  encode: writeDogstatsd,
})

function only(name: string, content: ValueRecord): ValueRecord {
  const record = emptyRecord()
  record[name] = content
  return record
}
