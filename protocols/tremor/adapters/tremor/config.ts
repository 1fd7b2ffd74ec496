import { AdapterConfig } from '../../../../src/public/config'
import { validator } from '../../../../src/public/validation/utils'
import { exactlyOne, needs, together } from '../../../../src/config/setting-relations'
import { jsonSetting } from './json-setting'

const MEBIBYTE = 1_048_576
const GIBIBYTE = 1_073_741_824
const DAY_MS = 86_400_000

/** A name as it is, or JSON. */
export const CODEC_NAME = /^[a-z][a-z-]*$/

export const config = new AdapterConfig(
  {
    LISTEN: {
      description:
        'Address to listen on for peers that push, such as 127.0.0.1:9100 (ws_server). Exactly one of LISTEN and URL is needed',
      type: 'string',
      sensitive: false,
    },
    URL: {
      description: 'Address of a provider to connect to, such as wss://prices.example/feed (ws_client)',
      type: 'string',
      sensitive: true,
      validate: validator.url({ schemes: ['ws', 'wss'] }),
    },
    CODEC: {
      description:
        'Codec of the messages: a name, or JSON such as {"name":"json","config":{"mode":"sorted"}}',
      type: 'string',
      default: 'json',
      sensitive: false,
      validate: jsonSetting('a codec', CODEC_NAME),
    },
    PREPROCESSORS: {
      description: 'What comes before the codec, as a JSON list of names or {"name","config"}',
      type: 'string',
      default: '[]',
      sensitive: false,
      validate: jsonSetting('a list'),
    },
    POSTPROCESSORS: {
      description: 'What comes after the codec on the way out, as a JSON list of names or {"name","config"}',
      type: 'string',
      default: '[]',
      sensitive: false,
      validate: jsonSetting('a list'),
    },
    RECONNECT: {
      description:
        'When to connect, or to listen, again: "none" or {"retry":{"interval_ms","growth_rate","max_retries","randomized"}}. The default tries every two seconds for ever',
      type: 'string',
      default: '{"retry":{"interval_ms":2000,"growth_rate":1}}',
      sensitive: false,
      validate: jsonSetting('a strategy', /^none$/),
    },
    PEERS: {
      description:
        'Who may push, as a JSON list of {"name","rank","token"} or {"name","rank","certificate"}; rank 1 goes before 2',
      type: 'string',
      default: '[]',
      sensitive: true,
      validate: jsonSetting('a list'),
    },
    ALLOW_UNAUTHENTICATED: {
      description: 'Whether an address that other machines reach may be opened without PEERS',
      type: 'enum',
      options: ['no', 'yes-anyone-may-push'] as const,
      default: 'no',
    },
    HEADERS: {
      description: 'Headers to send when connecting, as a JSON record of texts',
      type: 'string',
      default: '{}',
      sensitive: true,
      validate: jsonSetting('a record'),
    },
    GREETING: {
      description:
        'What to send on each new connection to a provider, as JSON: it goes through the codec. Default: nothing',
      type: 'string',
      sensitive: true,
      validate: jsonSetting('a value'),
    },
    CERT_FILE: {
      description:
        'PEM file with the certificate chain: of the listener, or of the client. LISTEN with it is TLS',
      type: 'string',
      sensitive: false,
      validate: validator.file(),
    },
    KEY_FILE: {
      description: 'PEM file with the private key that belongs to CERT_FILE',
      type: 'string',
      sensitive: false,
      validate: validator.file(),
    },
    CA_FILE: {
      description:
        'PEM file whose first certificate is the one authority that a provider is trusted by. Default: the system',
      type: 'string',
      sensitive: false,
      validate: validator.file(),
    },
    SERVER_NAME: {
      description: "Name that a provider's certificate must carry. Default: the host of URL",
      type: 'string',
      sensitive: false,
    },
    CLIENT_CA_FILE: {
      description:
        'PEM file of the authorities that sign the certificates of peers: the listener then asks for one of these',
      type: 'string',
      sensitive: false,
      validate: validator.file(),
    },
    NO_DELAY: {
      description: 'Whether small messages are sent at once (TCP_NODELAY)',
      type: 'boolean',
      default: true,
    },
    BACKLOG: {
      description: 'Connections that the system holds until they are accepted',
      type: 'number',
      default: 128,
      validate: validator.integer({ min: 1, max: 65_535 }),
    },
    MAX_MESSAGE_BYTES: {
      description: 'Size of the largest message; a larger one ends its connection with 1009',
      type: 'number',
      default: MEBIBYTE,
      validate: validator.integer({ min: 1, max: GIBIBYTE }),
    },
    MAX_BUFFERED_BYTES: {
      description: 'How much may wait for a peer that does not read, before its connection is closed',
      type: 'number',
      default: MEBIBYTE,
      validate: validator.integer({ min: 1, max: GIBIBYTE }),
    },
    MAX_MESSAGES_PER_SECOND: {
      description:
        'Events that are read from one connection in a second; more have to wait. Default: 1000 of a peer, 20000 of a provider',
      type: 'number',
      validate: validator.integer({ min: 1, max: 1_000_000 }),
    },
    MAX_CONNECTIONS: {
      description: 'Peers that may be connected to the listener at once',
      type: 'number',
      default: 100,
      validate: validator.integer({ min: 1, max: 10_000 }),
    },
    MAX_CONNECTIONS_PER_PEER: {
      description: 'Connections to the listener at once under one name of PEERS',
      type: 'number',
      default: 10,
      validate: validator.integer({ min: 1, max: 10_000 }),
    },
    HANDSHAKE_TIMEOUT_MS: {
      description: 'How long a connection may take to be open: TCP, TLS and upgrade together',
      type: 'number',
      default: 10_000,
      validate: validator.integer({ min: 1, max: 600_000 }),
    },
    PING_INTERVAL_MS: {
      description:
        'How often a connection is pinged; one that leaves two pings unanswered is dead. 0 never pings',
      type: 'number',
      default: 30_000,
      validate: validator.integer({ min: 0, max: DAY_MS }),
    },
    BASE_FIELD: {
      description: 'Where in an event the base asset is. A dot steps into a record: tags.base',
      type: 'string',
      default: 'base',
      sensitive: false,
    },
    QUOTE_FIELD: {
      description: 'Where in an event the quote asset is',
      type: 'string',
      default: 'quote',
      sensitive: false,
    },
    PRICE_FIELD: {
      description: 'Where in an event the price is, as a number or a decimal text',
      type: 'string',
      default: 'price',
      sensitive: false,
    },
    BID_FIELD: {
      description: 'Where in an event the bid is, if it is',
      type: 'string',
      default: 'bid',
      sensitive: false,
    },
    ASK_FIELD: {
      description: 'Where in an event the ask is, if it is',
      type: 'string',
      default: 'ask',
      sensitive: false,
    },
    TIME_FIELD: {
      description: "Where in an event the provider's own time is, if it is",
      type: 'string',
      default: 'time',
      sensitive: false,
    },
    TIME_UNIT: {
      description:
        "Unit of the provider's own time; iso is text with a zone. A time that does not fit refuses the event",
      type: 'enum',
      options: ['s', 'ms', 'us', 'ns', 'iso'] as const,
      default: 'ms',
    },
    ASSET_NAMES: {
      description:
        'Names that clients use for codes of the peers, as a JSON record: {"XBT":"BTC","XDG":"DOGE"}. Its keys count with their letter case',
      type: 'string',
      default: '{}',
      sensitive: false,
      validate: jsonSetting('a record'),
    },
    MAX_AGE_MS: {
      description: "Age, by the provider's own time, at which a value is refused and not served any more",
      type: 'number',
      default: 30_000,
      validate: validator.integer({ min: 1, max: 366 * DAY_MS }),
    },
  },
  {
    envVarsPrefix: 'TREMOR',
    envVarsFallback: true,
    relations: [
      exactlyOne('LISTEN', 'URL', 'The first is to be pushed to, the second to connect'),
      together('CERT_FILE', 'KEY_FILE'),
      // Certificates are shown over TLS only.
      needs('CLIENT_CA_FILE', 'CERT_FILE'),
    ],
  },
)

export type TremorSettings = typeof config.settings
