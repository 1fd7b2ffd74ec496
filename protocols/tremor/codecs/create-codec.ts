import type { Codec } from './codec'
import { lookUp, readNamed } from './definition'
import { DefinitionError } from './errors'
import { defaultLimits, type CodecLimits } from './limits'
import { csv } from './formats/csv'
import { influx } from './formats/influx'
import { json } from './formats/json'
import { msgpack } from './formats/msgpack'
import { binary, nothing, string } from './formats/plain'
import { tremor } from './formats/tremor'
import { yaml } from './formats/yaml'
import * as rare from './without-prices'

type Check = (config: unknown, limits: CodecLimits) => Codec

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['json', json],
  ['string', string],
  ['binary', binary],
  ['null', nothing],
  ['msgpack', msgpack],
  ['csv', csv],
  ['influx', influx],
  ['statsd', () => rare.statsd()],
  ['graphite-plaintext', () => rare.graphite()],
  ['dogstatsd', (config, limits) => rare.dogstatsd(config, limits)],
  ['binflux', (config, limits) => rare.binflux(config, limits)],
  ['tremor', tremor],
  ['yaml', yaml],
  ['syslog', (config, limits) => rare.syslog(config, limits)],
  ['avro', (config, limits) => rare.avro(config, limits)],
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
