/**
 * The closed table of reasons why a feed has no value. Codes are stable: alerts and scripts match on them, so a
 * code that is no longer used stays retired and never gets another meaning.
 */
export const errorCodes = {
  CONNECTION_REFUSED: 'The provider host answered, but nothing accepts connections on that port.',
  CONNECTION_TIMEOUT: 'The provider did not accept the connection within the time allowed.',
  CONNECTION_CLOSED: 'The provider closed a connection that had been open.',
  CONNECTION_FAILED: 'The connection to the provider failed for a cause that has no code of its own.',
  HOST_NOT_FOUND: 'The host name of the provider URL does not resolve.',
  TLS_FAILED: 'The TLS handshake failed, for example because a certificate is expired or not trusted.',
  HANDSHAKE_REFUSED: 'The provider answered the WebSocket handshake with an HTTP status other than 101.',
  OPEN_HANDLER_FAILED: "The adapter's open handler threw, or did not finish within the connection timeout.",
  UNRESPONSIVE: 'The connection is open, but nothing usable arrived on it for too long.',
  SUBSCRIBE_FAILED: 'The subscribe message could not be built or sent, or the provider refused it.',
  URL_FAILED: "The adapter's URL function threw or returned something that is not a URL.",
  REQUEST_FAILED: 'The HTTP request to the provider failed or was answered with an error status.',
  PREPARE_FAILED: "The adapter's code that makes requests threw, or made something that is no request.",
  PARSE_FAILED:
    "The adapter's code that reads the provider's answer threw, or returned something that is no result.",
  RATE_LIMITED: 'The request waits for, or was refused by, the budget for requests to the provider.',
  PROVIDER_ERROR: 'The provider answered for this feed with an error.',
  REFUSED_VALUE: 'The provider sent a value that a guard refused, for example one that is not finite.',
  STALE_VALUE: 'The last value is older than the feed allows.',
  NO_DATA_YET: 'Everything is connected and subscribed, but no value for this feed has arrived yet.',
  STARTING: 'The feed was asked for only now; its connection or subscription is being set up.',
} as const

/** A stable name for why a feed has no value; each has a line in {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes
