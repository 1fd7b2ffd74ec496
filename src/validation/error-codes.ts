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
  PROXY_FAILED:
    'The proxy that outbound connections go through could not be reached, or opened no way to the provider; the message says why.',
  PROXY_REFUSED:
    'The proxy that outbound connections go through wants a credential, or does not take the one it got.',
  HANDSHAKE_REFUSED: 'The provider answered the WebSocket handshake with an HTTP status other than 101.',
  OPEN_HANDLER_FAILED: "The adapter's open handler threw, or did not finish within the connection timeout.",
  UNRESPONSIVE: 'The connection is open, but nothing usable arrived on it for too long.',
  SUBSCRIBE_FAILED: 'The subscribe message could not be built or sent, or the provider refused it.',
  SUBSCRIPTION_LIMIT: 'The provider allows no more subscriptions, for example on one connection.',
  UNANSWERED: 'The provider has not answered the subscription, although it was asked more than once.',
  NO_DATA:
    'Everything is connected and subscribed, but the provider has sent no value for this feed: nothing has been traded, or it does not know the feed. The message says what was seen.',
  SUSPECTED:
    'The provider closed the connection soon after feeds were subscribed, this one among them; which of them it was is being found out.',
  QUARANTINED:
    'The provider closes the connection whenever this feed is subscribed; it is kept off, and tried again by itself now and then.',
  SILENT: 'Everything is connected and subscribed, but nothing comes for this feed; it is subscribed again.',
  URL_FAILED: "The adapter's URL function threw or returned something that is not a URL.",
  REQUEST_FAILED: 'The HTTP request to the provider failed or was answered with an error status.',
  HOST_FAILING:
    'The requests to a host of the provider have failed one after another; single ones are sent until it answers.',
  PREPARE_FAILED: "The adapter's code that makes requests threw, or made something that is no request.",
  PARSE_FAILED:
    "The adapter's code that reads the provider's answer threw, or returned something that is no result.",
  RATE_LIMITED: 'The request waits for, or was refused by, the budget for requests to the provider.',
  PROVIDER_ERROR: 'The provider answered for this feed with an error.',
  REFUSED_VALUE: 'The provider sent a value that a guard refused, for example one that is not finite.',
  STALE_VALUE: 'The last value is older than the feed allows.',
  NO_DATA_YET: 'No value for this feed has arrived yet, and it is too early to tell whether one will.',
  STARTING: 'The feed was asked for only now; its connection or subscription is being set up.',
  CAPACITY: 'As many feeds are wanted as may be, so that this one cannot be; the message names the setting.',
  NO_PEER: 'Values are pushed to this adapter, and nobody who could is connected.',
  LISTEN_FAILED:
    'The port that peers are to connect to cannot be listened on, for example because it is taken.',
  MESSAGES_REFUSED: 'Messages arrive, but the last one was not trusted; the message says why.',
  SIGNER_KEY_UNKNOWN:
    'The key of a listed signer could not be fetched, so that nothing it sends can be checked.',
  KEY_EXPIRED: 'The key that this adapter logs in with has expired; it needs a new one and a restart.',
  CONNECTION_STRING_REFUSED:
    'The connection string of the room names none that may be entered; the message says why.',
  REALM_FAILED: 'The realm that names the room did not answer, or answered with an error status.',
  ROOM_FULL: 'The room has as many members as its server allows.',
  CREDENTIAL_REFUSED:
    'The provider did not issue or did not accept the credential that a connection is opened, or a request made, with; attempts are slow.',
  CREDENTIAL_FAILED:
    'The credential that a connection is opened, or a request made, with could not be had; the message says why.',
  LOGIN_REFUSED: 'The server took the connection and ended it during the login, without saying why.',
  LOGIN_TIMEOUT: 'The server took the connection and then left the login unanswered.',
  CHALLENGE_REFUSED: 'The server asked for a signature under something that is no login challenge.',
  PROTOCOL_VIOLATED: 'The server did what its protocol does not allow, and was left.',
  WRITER_DOWN:
    'With several workers: the process that is connected to the data provider is not running; it is being replaced.',
  WRITER_SILENT: 'With several workers: the process that is connected to the data provider does not answer.',
  REPLACED: 'Another client has logged in with the same account, and the server put this one out.',
} as const

/** A stable name for why a feed has no value; each has a line in {@link errorCodes}. */
export type ErrorCode = keyof typeof errorCodes
