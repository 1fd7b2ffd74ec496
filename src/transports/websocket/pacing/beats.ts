import { EVERY_MS, type PulseOptions } from '../../../connections/pulse'
import { secondsOf } from '../../../util/clock'
import { named } from '../../../util/line-owner'
import { makeLogger } from '../../../util/logging'
import { type WebSocketLimits } from './limits'

const logger = makeLogger('WebSocketTransport')

/** What a transport sends by the clock, and how much it may send. */
interface Beating {
  handlers: { heartbeat?: unknown }
  ping?: PulseOptions | undefined
  limits?: WebSocketLimits | undefined
}

/**
 * How many messages go out by the clock alone in the window of the limit.
 *
 * @param heartbeatMs - how often the heartbeat is sent
 */
export const beatsIn = (
  perMs: number,
  { handlers, ping }: Pick<Beating, 'handlers' | 'ping'>,
  heartbeatMs: number,
): number =>
  (handlers.heartbeat === undefined ? 0 : perMs / heartbeatMs) +
  (ping === undefined ? 0 : perMs / (ping.everyMs ?? EVERY_MS))

/** RL-8: says at once that heartbeats and pings leave nothing of the limit of messages to subscriptions. */
export const warnOfBeats = (
  config: Beating,
  settings: { WS_HEARTBEAT_INTERVAL_MS: number },
  { transport, endpoint }: { transport: object; endpoint: string },
): void => {
  const { messages } = config.limits ?? {}
  if (messages === undefined) return
  const beats = beatsIn(messages.perMs, config, settings.WS_HEARTBEAT_INTERVAL_MS)
  if (beats < messages.count) return
  named(logger, transport).warn(
    { endpoint, beats, limit: messages.count },
    `The limit of ${messages.count} messages in ${secondsOf(messages.perMs)} is used up by heartbeats and pings alone (${Math.ceil(beats)}): subscriptions wait. Make WS_HEARTBEAT_INTERVAL_MS or ping.everyMs longer`,
  )
}
