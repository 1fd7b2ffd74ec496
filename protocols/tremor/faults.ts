import { type RefusedCaller } from '../../src/connections/listener'

/** Why something was not served or not sent. Closed: it is a label of `data_refused_total`. */
export type TremorFault =
  /** Content that a preprocessor or the codec cannot take. */
  | 'not-decodable'
  /** An outgoing event that the codec or a postprocessor cannot write, or text that is not UTF-8. */
  | 'not-encodable'
  /** In a length-prefixed stream the start of the next message is unknown; its connection was closed with 1008. */
  | 'lost-place'
  /** A peer that does not read; its connection was closed with 1013. */
  | 'slow-reader'
  /** Content of more pieces or values, or deeper, than anybody means to send. On a server its connection was closed with 1008. */
  | 'excess'
  /** An account whose connection was cut for that came back too soon; closed with 1013. */
  | 'resting'
  /** A connection sent more messages or bytes than it may in a second, and reading it paused. */
  | 'flood'
  /** A peer of a better rank, or a newer time of an equal one, fills the feed. */
  | 'outranked'
  /** An event that the endpoint makes nothing of. */
  | 'not-understood'
  /** The handler threw. */
  | 'handler-failed'
  /** A connection ended for a broken frame, text that is not UTF-8, or a message above the limit. */
  | 'broken-framing'
  /** Callers of the listener that got no connection, and peers that nobody knows that had to make room for others. */
  | RefusedCaller
