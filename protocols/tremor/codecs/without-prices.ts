/**
 * Formats in which no price travels, but a connector's definition may name them. The build makes this a barrel that loads each with the
 * first definition that does; their packages are optional, and not in the image.
 */
export { lz4 } from './compression/lz4'
export { xz } from './compression/xz'
export { avro } from './formats/avro'
export { binflux } from './formats/binflux'
export { dogstatsd } from './formats/dogstatsd'
export { graphite } from './formats/graphite'
export { statsd } from './formats/statsd'
export { syslog } from './formats/syslog'
export { gelfAssembling } from './stages/gelf-assembling'
export { gelfSplitting } from './stages/gelf-splitting'
