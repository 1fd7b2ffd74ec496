import { credentialShape } from '../../connections/credential-shape'
import {
  aBoolean,
  aFunction,
  aNumber,
  anObject,
  aText,
  type Check,
  either,
  listOf,
  members,
  optional,
  type Shape,
} from '../../util/shape'

const maybeFunction = optional(aFunction)

const handlers = {
  open: maybeFunction,
  heartbeat: maybeFunction,
  pong: maybeFunction,
  error: maybeFunction,
  close: maybeFunction,
}

const common = {
  options: maybeFunction,
  closeWhenIdle: optional(aBoolean),
  credential: optional(credentialShape),
  singleConnection: optional(aBoolean),
  makeBeforeBreak: optional(aBoolean),
  firstDataMs: optional(aNumber),
  ping: optional(anObject),
  limits: optional(anObject),
  maxMessageBytes: optional(aNumber),
}

const builders: Check = optional(
  members({
    subscribeMessage: maybeFunction,
    unsubscribeMessage: maybeFunction,
    customSubscriptionMessages: maybeFunction,
  }),
)

const batches = members({
  symbolOf: aFunction,
  session: aFunction,
  size: optional(aNumber),
  ackWithinMs: optional(aNumber),
  firstDataMs: optional(aNumber),
})

/** The shape of the options of a WebSocket transport: with `url` or `urls`, and with handlers or batches. */
export const websocketShape = (given: object): Shape => ({
  ...common,
  ...('urls' in given
    ? { urls: either('an array of URLs, or a function', listOf(aText), aFunction) }
    : { url: aFunction }),
  ...('batches' in given
    ? { batches, handlers: optional(members(handlers)) }
    : { builders, handlers: members({ ...handlers, message: aFunction }) }),
})
