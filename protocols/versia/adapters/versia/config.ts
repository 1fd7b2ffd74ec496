import { atLeastOne, needs, together } from '../../../../src/config/setting-relations'
import { AdapterConfig } from '../../../../src/public/config'
import { parseSigners } from '../..'
import { validator } from '../../../../src/public/validation/utils'
import { FUTURE_TOLERANCE_MS } from '../../../../src/transports/peer/terms'

const signersProblem = (text?: string): string | undefined => {
  try {
    parseSigners(text ?? '')
    return undefined
  } catch (error) {
    return `Value must be signers with their keys: ${(error as Error).message}`
  }
}

export const config = new AdapterConfig(
  {
    WS_API_ENDPOINT: {
      description: 'URL of the source to connect to (wss:). At least one of this and LISTEN_PORT is needed',
      type: 'string',
      sensitive: false,
      validate: validator.url({ schemes: ['wss', 'ws'] }),
    },
    SIGNERS: {
      description:
        'Who is trusted, as a list of name=key with commas between, or as JSON {"name": ["key", "next key"]}. Keys are the base64 of SPKI',
      type: 'string',
      required: true,
      sensitive: false,
      validate: { meta: { details: 'Value must be signers with their keys' }, fn: signersProblem },
    },
    PRICE_TYPE: {
      description:
        'Type of the entities that carry prices, such as org.example:price_feeds/Price. Notes carry them in the extension org.example:price_feeds',
      type: 'string',
      required: true,
      sensitive: false,
    },
    VERSION: {
      description:
        'Version of the signature rules. In 0.4 nothing limits the age of a message: only where there is no other',
      type: 'enum',
      options: ['0.6', '0.5', '0.4'] as const,
      default: '0.6',
    },
    SIGNATURE_PATH: {
      description:
        'Path that messages are signed for, as agreed with the sender. Default: /.versia/v0.6/inbox, before 0.6 /inbox',
      type: 'string',
      sensitive: false,
      validate: validator.path(),
    },
    MAX_PRICE_AGE_MS: {
      description: 'How long ago a price may have been observed to be taken and served, in ms',
      type: 'number',
      default: 30_000,
      validate: validator.integer({ min: 1_000, max: 86_400_000 }),
    },
    AHEAD_TOLERANCE_MS: {
      description: 'How far ahead of our clock a price may have been observed, in ms',
      type: 'number',
      default: FUTURE_TOLERANCE_MS,
      validate: validator.integer({ min: 0, max: 300_000 }),
    },
    DISCOVERY: {
      description:
        'Whether the keys of signers that are listed without one are fetched from their instances, over HTTPS',
      type: 'boolean',
      default: false,
    },
    INSTANCE_NAME: {
      description:
        'Our own name, to sign the request with that opens the connection: a domain; before 0.6 "instance <host>"',
      type: 'string',
      sensitive: false,
    },
    INSTANCE_KEY: {
      description: 'Our own private key, the base64 of PKCS8; goes with INSTANCE_NAME',
      type: 'string',
      sensitive: true,
    },
    WS_TOKEN: {
      description: 'What the source wants as Authorization: Bearer',
      type: 'string',
      sensitive: true,
    },
    WS_TLS_CA: {
      description:
        'Authorities to trust the source and the instances of DISCOVERY by, in place of the system’s: PEM, base64 of PEM, or the path of a file with that',
      type: 'string',
      sensitive: true,
    },
    WS_TLS_CERT: {
      description: 'Certificate to show to the source: PEM, base64 of PEM, or the path of a file with that',
      type: 'string',
      sensitive: true,
    },
    WS_TLS_KEY: {
      description: 'Private key of WS_TLS_CERT: PEM, base64 of PEM, or the path of a file with that',
      type: 'string',
      sensitive: true,
    },
    ALLOW_LOOPBACK: {
      description: 'Whether WS_API_ENDPOINT may be a ws: URL of this machine',
      type: 'boolean',
      default: false,
    },
    LISTEN_PORT: {
      description: 'Port for sources that connect to us; 0 lets the system choose. Default: we do not listen',
      type: 'number',
      validate: validator.integer({ min: 0, max: 65_535 }),
    },
    LISTEN_HOST: {
      description: 'Address to listen on; 0.0.0.0 for all',
      type: 'string',
      default: '127.0.0.1',
      sensitive: false,
    },
    LISTEN_TOKEN: {
      description:
        'What sources must send as Authorization: Bearer, beside signing their messages. Default: nothing',
      type: 'string',
      sensitive: true,
    },
    LISTEN_TLS_CERT: {
      description:
        'Certificate of the listener: PEM, base64 of PEM, or the path of a file with that. Default: no TLS',
      type: 'string',
      sensitive: true,
    },
    LISTEN_TLS_KEY: {
      description: 'Private key of LISTEN_TLS_CERT: PEM, base64 of PEM, or the path of a file with that',
      type: 'string',
      sensitive: true,
    },
    LISTEN_TLS_CA: {
      description:
        'Authorities that must have signed the certificate of a source: PEM, base64 of PEM, or the path of a file with that',
      type: 'string',
      sensitive: true,
    },
    LISTEN_MAX_CONNECTIONS: {
      description: 'Sources that may be connected at once',
      type: 'number',
      default: 20,
      validate: validator.integer({ min: 1, max: 1_000 }),
    },
  },
  {
    envVarsPrefix: 'VERSIA',
    envVarsFallback: true,
    relations: [
      atLeastOne(
        'WS_API_ENDPOINT',
        'LISTEN_PORT',
        'The first is to connect to a source, the second to be connected to',
      ),
      together('INSTANCE_NAME', 'INSTANCE_KEY'),
      together('WS_TLS_CERT', 'WS_TLS_KEY'),
      together('LISTEN_TLS_CERT', 'LISTEN_TLS_KEY'),
      needs('LISTEN_TLS_CA', 'LISTEN_TLS_CERT'),
    ],
  },
)
