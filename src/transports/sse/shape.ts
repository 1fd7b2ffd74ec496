import { aFunction, aText, listOf, members, optional, type Shape } from '../../util/shape'

/** The shape of the options of an SSE transport. */
export const sseShape: Shape = {
  prepareSSEConnectionConfig: aFunction,
  prepareSubscriptionRequest: aFunction,
  prepareUnsubscriptionRequest: aFunction,
  prepareKeepAliveRequest: optional(aFunction),
  eventListeners: listOf(members({ type: aText, parseResponse: aFunction })),
}
