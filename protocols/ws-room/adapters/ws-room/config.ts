import { exactlyOne } from '../../../../src/config/setting-relations'
import { AdapterConfig } from '../../../../src/public/config'
import { validator } from '../../../../src/public/validation/utils'

export const config = new AdapterConfig(
  {
    CONNECTION_STRING: {
      description: 'The room, as ws-room:wss://host/rooms/name. Exactly one of this and REALM_URL is needed',
      type: 'string',
      // Its query may hold a token.
      sensitive: true,
    },
    REALM_URL: {
      description: 'A realm, whose /about document names the room. Asked anew before each connection',
      type: 'string',
      sensitive: false,
      validate: validator.url({ schemes: ['http', 'https'] }),
    },
    PRIVATE_KEY: {
      description:
        'The ephemeral key to log in with, 0x and 64 hex digits. One for each process: a second login puts the first one out',
      type: 'string',
      required: true,
      sensitive: true,
    },
    DELEGATION: {
      description:
        'What was signed for PRIVATE_KEY with the key of the account, as protocols/ws-room/room-key.ts prints it',
      type: 'string',
      required: true,
      sensitive: true,
    },
    SIGNERS: {
      description: 'Accounts whose prices count: 0x and 40 hex digits, with commas between',
      type: 'string',
      required: true,
      sensitive: false,
    },
    SCENE_ID: {
      description: 'Scene that prices are told in; others are not looked at',
      type: 'string',
      default: 'urn:oracle:prices:v1',
      sensitive: false,
    },
    MAX_PRICE_AGE_MS: {
      description: 'How long ago a price may have been observed to be taken and served, in ms',
      type: 'number',
      default: 30_000,
      validate: validator.integer({ min: 1_000, max: 86_400_000 }),
    },
    TRUST_SERVER: {
      description:
        'Take unsigned prices too, by the address that the server shows for the sender. Only for a server of your own',
      type: 'boolean',
      default: false,
    },
    WELCOME_AT_ONCE: {
      description: 'Whether the server may welcome without a challenge',
      type: 'boolean',
      default: false,
    },
    ALLOW_PLAINTEXT: {
      description: 'Whether the room may be a ws: URL, without TLS',
      type: 'boolean',
      default: false,
    },
    SERVER_CA: {
      description:
        'Authorities to trust the server and its realm by, in place of the system’s: PEM, or base64 of PEM',
      type: 'string',
      sensitive: true,
    },
    KEY_WARNING_DAYS: {
      description: 'From how many days before PRIVATE_KEY expires it is warned of, once an hour',
      type: 'number',
      default: 7,
      validate: validator.integer({ min: 0, max: 3_650 }),
    },
  },
  {
    envVarsPrefix: 'WS_ROOM',
    envVarsFallback: true,
    relations: [exactlyOne('CONNECTION_STRING', 'REALM_URL', 'Either names the room to enter')],
    envDefaultOverrides: {
      // Each attempt spends a number of the server's and a line of everybody's log.
      STREAM_HANDLER_RETRY_MIN_MS: 1_000,
      STREAM_HANDLER_RETRY_MAX_MS: 60_000,
    },
  },
)
