import { pemOrBase64 } from './pem'
import { isLogLevel, LOG_FORMATS, LOG_LEVELS } from '../util/logging'
import { type Validator, validator } from '../validation/validators'
import { type SettingsDefinitionMap } from './setting-types'

const logLevel = (): Validator<string> => {
  const details = `Value must be one of ${LOG_LEVELS.join(', ')}`
  return {
    meta: { details },
    fn: (value) => (isLogLevel(value) ? undefined : `${details}. Received ${value}`),
  }
}

/** A token that is guessed fast protects nothing. */
const adminToken = (): Validator<string> => {
  const details = 'Value must have at least 16 characters, none of them white space'
  return {
    meta: { details },
    fn: (value = '') => (/^\S{16,}$/.test(value) ? undefined : details),
  }
}

const megabyte = 1024 * 1024

/** Settings of the process and its HTTP servers: addresses, TLS, logs, metrics. */
export const serviceSettings = {
  EA_HOST: {
    description: 'Address that the REST server and the metrics server listen on: an IP address or localhost',
    type: 'string',
    default: '::',
    validate: validator.host(),
    sensitive: false,
  },
  EA_PORT: {
    description: 'Port of the REST server; 0 lets the system choose a free one',
    type: 'number',
    default: 8080,
    validate: validator.port(),
  },
  FAST_LANE_ENABLED: {
    description:
      'Answer requests for feeds that were asked for before in front of the HTTP parser; if false, the parser gets all of them',
    type: 'boolean',
    default: true,
  },
  EA_MODE: {
    description: 'Whether this process answers requests (reader), fetches values (writer) or does both',
    type: 'enum',
    default: 'reader-writer',
    options: ['reader', 'writer', 'reader-writer'],
  },
  ADMIN_PORT: {
    description:
      'Port for /status, /explain and the debug pages, which are on no other port then; 0 lets the system choose a free one. Needs ADMIN_TOKEN',
    type: 'number',
    validate: validator.port(),
  },
  ADMIN_TOKEN: {
    description: 'Bearer token that every request to ADMIN_PORT must have, of at least 16 characters',
    type: 'string',
    validate: adminToken(),
    sensitive: true,
  },
  EXPLAIN_ENABLED: {
    description:
      'Serve /explain on the public port, where anyone can read it, what providers send included; with ADMIN_PORT it is there',
    type: 'boolean',
    default: false,
  },
  STOP_DRAIN_MS: {
    description:
      'How long requests are still taken after SIGTERM, while /ready says that the service stops (ms)',
    type: 'number',
    default: 0,
    validate: validator.integer({ min: 0, max: 60000 }),
  },
  BASE_URL: {
    description: 'Path that all routes of the REST server start with',
    type: 'string',
    default: '/',
    validate: validator.path(),
    sensitive: false,
  },
  MAX_PAYLOAD_SIZE_LIMIT: {
    description: 'Largest request body accepted, in bytes',
    type: 'number',
    default: megabyte,
    validate: validator.integer({ min: megabyte, max: 1024 * megabyte }),
  },
  CLIENT_TIMEOUT_MS: {
    description:
      'How long a client may take to send a request, all of it, and to take the answers that are ready for it; then its connection is closed (ms)',
    type: 'number',
    default: 30000,
    validate: validator.integer({ min: 100, max: 600000 }),
  },
  API_VERBOSE: {
    description: 'Has no effect; kept so that existing environments stay valid',
    type: 'boolean',
    default: false,
  },
  DEBUG_ENDPOINTS: {
    description:
      'Whether to enable debug enpoints (/debug/*) for this adapter. Enabling them might consume more resources.',
    type: 'boolean',
    default: false,
  },
  TLS_ENABLED: {
    description: 'Serve HTTPS; not together with MTLS_ENABLED',
    type: 'boolean',
    default: false,
  },
  MTLS_ENABLED: {
    description: 'Serve HTTPS and ask clients for a certificate; not together with TLS_ENABLED',
    type: 'boolean',
    default: false,
  },
  TLS_PRIVATE_KEY: {
    description:
      "The server's private key, as PEM, base64 of PEM, or the path of a file with that; a file is read again when it changes",
    type: 'string',
    validate: pemOrBase64(),
    sensitive: true,
  },
  TLS_PUBLIC_KEY: {
    description: "The server's certificate, given like TLS_PRIVATE_KEY",
    type: 'string',
    validate: pemOrBase64(),
    sensitive: false,
  },
  TLS_PASSPHRASE: {
    description: 'Passphrase of the private key',
    type: 'string',
    default: '',
    sensitive: true,
  },
  TLS_CA: {
    description:
      'Certificate authority that client certificates are checked against, given like TLS_PRIVATE_KEY',
    type: 'string',
    sensitive: true,
  },
  LOG_LEVEL: {
    description: 'Least severe level that is logged: fatal, error, warn, info, debug or trace',
    type: 'string',
    default: 'info',
    sensitive: false,
    validate: logLevel(),
  },
  LOG_FORMAT: {
    description:
      'How lines of the log are written: json, text for people, or auto, which is text on a terminal and with DEBUG, and else json',
    type: 'enum',
    default: 'auto',
    options: [...LOG_FORMATS],
  },
  INSTANCE: {
    description:
      'Name of this instance among several of the same service: each line of the log then has it as "instance", and each series as the label "app_instance"',
    type: 'string',
    sensitive: false,
  },
  DEBUG: {
    description: 'Development mode: readable logs, and stack and cause in the bodies of errors',
    type: 'boolean',
    default: false,
  },
  CENSOR_SENSITIVE_LOGS: {
    description: 'Drop the log lines that may hold sensitive data altogether',
    type: 'boolean',
    default: false,
  },
  CORRELATION_ID_ENABLED: {
    description: 'Give every request an id that appears in all of its log lines',
    type: 'boolean',
    default: true,
  },
  METRICS_ENABLED: {
    description: 'Record metrics and serve them to Prometheus',
    type: 'boolean',
    default: true,
  },
  EXPERIMENTAL_METRICS_ENABLED: {
    description: 'Second switch for metrics: they are served only if METRICS_ENABLED is on as well',
    type: 'boolean',
    default: true,
  },
  METRICS_PORT: {
    description: 'Port of the metrics server',
    type: 'number',
    default: 9080,
    validate: validator.port(),
  },
  METRICS_USE_BASE_URL: {
    description: 'Serve metrics under BASE_URL instead of directly at /metrics',
    type: 'boolean',
  },
  METRICS_MAX_FEEDS: {
    description:
      'How many feeds of an adapter have series of their own in each metric; all others share those of the feed "other"',
    type: 'number',
    default: 1000,
    validate: validator.integer({ min: 1, max: 100000 }),
  },
} as const satisfies SettingsDefinitionMap
