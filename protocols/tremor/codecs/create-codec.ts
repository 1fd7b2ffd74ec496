import type { Codec } from './codec'
import { lookUp, readNamed } from './definition'
import { DefinitionError } from './errors'
import { defaultLimits, type CodecLimits } from './limits'
import { avro } from './formats/avro'
import { binflux } from './formats/binflux'
import { csv } from './formats/csv'
import { dogstatsd } from './formats/dogstatsd'
import { graphite } from './formats/graphite'
import { influx } from './formats/influx'
import { json } from './formats/json'
import { msgpack } from './formats/msgpack'
import { binary, nothing, string } from './formats/plain'
import { statsd } from './formats/statsd'
import { syslog } from './formats/syslog'
import { tremor } from './formats/tremor'
import { yaml } from './formats/yaml'

type Check = (config: unknown, limits: CodecLimits) => Codec

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['json', json],
  ['string', string],
  ['binary', binary],
  ['null', nothing],
  ['msgpack', msgpack],
  ['csv', csv],
  ['influx', influx],
  ['statsd', statsd],
  ['graphite-plaintext', graphite],
  ['dogstatsd', dogstatsd],
  ['binflux', binflux],
  ['tremor', tremor],
  ['yaml', yaml],
  ['syslog', syslog],
  ['avro', avro],
  ['confluent-schema-registry', schemaRegistry],
])

/**
 * Makes the codec of a definition: a name, or `{name, config?}`.
 *
 * @throws DefinitionError where it is missing, unknown, badly configured, or its package is absent
 */
export function createCodec(definition: unknown, limits: CodecLimits = defaultLimits): Codec {
  if (definition === undefined) throw new DefinitionError('codec: a codec is needed')
  const { name, config } = readNamed(definition, 'codec')
  return lookUp(checks, name, 'codec')(config, limits)
}

function schemaRegistry(): Codec {
  throw new DefinitionError(
    'codec: confluent-schema-registry is not offered, its client needs Node 22; avro reads schemas from the config',
  )
}
