import { LogLimiter } from '../../util/log-limiter'
import { named } from '../../util/line-owner'
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

/** Called for a feed whose builder threw, with whether the feed is still wanted. */
type OnFailed<T extends WebsocketTransportGenerics> = (
  params: Params<T>,
  error: unknown,
  isWanted: boolean,
) => void

const asIs = (params: unknown): unknown => params

/**
 * Makes one function that builds all messages of a pass. Individual builders make first every unsubscribe message, then every subscribe
 * message (contract 17.2); where one of the two is missing, the params themselves are sent (contract 17.3).
 *
 * @param onFailed - called for each feed whose builder throws; the other feeds go on
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

/**
 * Makes the function that counts such feeds and logs one per interval. For a wanted feed it also writes an error that says why there is no
 * value.
 */
export const tellIn = <T extends WebsocketTransportGenerics>(intake: StreamIntake<T>): OnFailed<T> => {
  const limiter = new LogLimiter()
  return (params, error, isWanted) => {
    intake.refuse('builder-failed', () => params, error)
    limiter.run('builder', (repeated) => {
      named(logger, intake.whose).warn(
        { err: error, repeated, params },
        'A subscription message could not be built',
      )
    })
    if (!isWanted) return
    const message = error instanceof Error ? error.message : String(error)
    const why = { code: 'SUBSCRIBE_FAILED', class: 'internal' } as const
    intake.writeError(params, 500, `The subscription message could not be built: ${message}`, why)
  }
}
