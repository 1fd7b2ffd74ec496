import { createRequire } from 'node:module'
import type pino from 'pino'

const RESET_COLOR = '\u001b[0m'

/** What the text of a line begins with, or what nobody reads on a terminal. */
const SHOWN_OTHERWISE = 'pid,hostname,isoTime,layer,color,correlationId,adapter,endpoint,instance'

interface Line {
  layer?: string
  color?: string
  correlationId?: string
  adapter?: string
  endpoint?: string
  msg?: string
}

/** Such as `[WebSocketTransport] coinbase/price: closed`. */
export const prettyText = (
  { layer = '', color = '', correlationId, adapter, endpoint, msg = '' }: Line,
  hasColors: boolean,
): string => {
  const shownLayer = hasColors ? `${color}[${layer}]${RESET_COLOR}` : `[${layer}]`
  const owner = adapter && ` ${adapter.toLowerCase()}${endpoint ? `/${endpoint}` : ''}:`
  return `${shownLayer}${correlationId ? ` (${correlationId})` : ''}${owner ?? ''} ${msg}`
}

/**
 * Lines for people: one for each line of the log, with its fields behind the text. What makes them is loaded only for them. It runs in this
 * process, not in a worker, so that no line is lost at exit.
 *
 * @param destination - default: standard output, in colour on a terminal
 */
export const prettyStream = (destination?: NodeJS.WritableStream): pino.DestinationStream => {
  const pretty = createRequire(__filename)('pino-pretty') as (options: object) => pino.DestinationStream
  const hasColors = destination === undefined && process.stdout.hasColors?.() === true
  return pretty({
    sync: true,
    colorize: hasColors,
    singleLine: true,
    levelFirst: true,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    ignore: SHOWN_OTHERWISE,
    messageFormat: (line: Line) => prettyText(line, hasColors),
    ...(destination && { destination }),
  })
}
