import { LogLimiter } from '../../util/log-limiter'
import { makeLogger } from '../../util/logging'
import { type TypeFromDefinition } from '../../validation/input-parameters'
import { type StreamIntake } from '../stream-intake'
import { type SubscriptionDeltas } from '../streaming-transport'
import { type EndpointContext } from '../transport'
import {
  type WebSocketCustomBuilders,
  type WebSocketIndividualBuilders,
  type WebsocketTransportGenerics,
} from './config'

const logger = makeLogger('WebSocketTransport')

type Params<T extends WebsocketTransportGenerics> = TypeFromDefinition<T['Parameters']>

export type SubscriptionMessageBuilder<T extends WebsocketTransportGenerics> = (
  context: EndpointContext<T>,
  subscriptions: SubscriptionDeltas<Params<T>>,
) => unknown[]

/** Told of a feed whose builder threw, and whether it is (still) wanted. */
type OnFailed<T extends WebsocketTransportGenerics> = (
  params: Params<T>,
  error: unknown,
  isWanted: boolean,
) => void

const asIs = (params: unknown): unknown => params

/**
 * One function for all the messages of a pass. Individual builders: first every unsubscribe message, then every subscribe message
 * (contract 17.2); a missing one of the two sends the params themselves (contract 17.3).
 *
 * @param onFailed - the other feeds go on
 */
export const messageBuilder = <T extends WebsocketTransportGenerics>(
  builders: WebSocketIndividualBuilders<T> | WebSocketCustomBuilders<T> | undefined,
  onFailed: OnFailed<T>,
): SubscriptionMessageBuilder<T> | undefined => {
  if (builders === undefined) return undefined
  if ('customSubscriptionMessages' in builders)
    return (context, subscriptions) => builders.customSubscriptionMessages(context, subscriptions)

  const { subscribeMessage = asIs, unsubscribeMessage = asIs } = builders
  return (context, { stale, new: fresh }) => {
    const messages: unknown[] = []
    const build = (
      feeds: Params<T>[],
      builder: (params: Params<T>, context: EndpointContext<T>) => unknown,
      areWanted: boolean,
    ) => {
      for (const params of feeds) {
        try {
          const message = builder(params, context)
          if (message !== undefined) messages.push(message)
        } catch (error) {
          onFailed(params, error, areWanted)
        }
      }
    }
    build(stale, unsubscribeMessage, false)
    build(fresh, subscribeMessage, true)
    return messages
  }
}

/** Counts such a feed and names it in the log once per interval; one that is wanted is told why it has no value. */
export const tellIn = <T extends WebsocketTransportGenerics>(intake: StreamIntake<T>): OnFailed<T> => {
  const limiter = new LogLimiter()
  return (params, error, isWanted) => {
    intake.refuse('builder-failed', () => params, error)
    limiter.run('builder', (repeated) => {
      logger.warn({ err: error, repeated, params }, 'A subscription message could not be built')
    })
    if (!isWanted) return
    const message = error instanceof Error ? error.message : String(error)
    intake.writeError(params, 500, `The subscription message could not be built: ${message}`)
  }
}
