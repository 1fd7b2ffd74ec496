import { type WireError } from './frames'

/**
 * What to do about a failure (spec 10):
 *
 * - `configuration`: stays until somebody changes something; tried again slowly
 * - `transport`: the server is busy, or the way to it; tried again with a back-off
 * - `data`: this transfer was not whole; tried again at the next interval, what was read before is kept
 * - `protocol`: a defect, theirs or ours; reported, tried again at the next interval
 */
export type TransferErrorKind = 'configuration' | 'transport' | 'data' | 'protocol'

/** Names of causes. Closed: they are metric labels, and what an operator looks up in the documentation. */
export const TRANSFER_REASONS = {
  'url-invalid': 'configuration',
  'token-refused': 'configuration',
  'token-expired': 'configuration',
  'token-not-permitted': 'configuration',
  'transfer-not-found': 'configuration',
  'upgrade-not-allowed': 'configuration',
  'options-refused': 'configuration',
  'schema-mismatch': 'configuration',
  'mode-unsafe': 'configuration',
  'version-unsupported': 'configuration',
  'server-error': 'transport',
  'server-not-ready': 'transport',
  'connection-failed': 'transport',
  'connection-lost': 'transport',
  'request-timeout': 'transport',
  'batch-timeout': 'transport',
  'transfer-timeout': 'transport',
  'server-in-use': 'transport',
  stopped: 'transport',
  'frame-too-large': 'data',
  'step-failed': 'data',
  'loss-warning': 'data',
  'asset-broken': 'data',
  'too-many-rows': 'data',
  'transfer-terminated': 'data',
  'rows-invalid': 'data',
  'rows-missing': 'data',
  'count-mismatch': 'data',
  'order-refused': 'protocol',
  'frame-unexpected': 'protocol',
  'answer-unexpected': 'protocol',
} as const satisfies Record<string, TransferErrorKind>

export type TransferReason = keyof typeof TRANSFER_REASONS

/** Any failure of a transfer. Its message is written here: it holds no token, no content and no text of the server. */
export class TransferError extends Error {
  readonly kind: TransferErrorKind
  /** The server's own words, cut, where it had any: for logs alone. */
  readonly said: string | undefined

  constructor(
    readonly reason: TransferReason,
    message: string,
    options: { said?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TransferError'
    this.kind = TRANSFER_REASONS[reason]
    this.said = options.said
  }
}

/** State errors of the server that carry no `details.step` (spec 5, 7). */
const ORDER_TEXTS = [
  /^Invalid Transfer Process/,
  /^Transfer already in progress/,
  /^Stream already created/,
  /^Invalid transfer (step|command)/,
  /^You need to init first/,
  /^Missing uuid/,
]

const reasonOf = ({ code, message, step }: WireError): TransferReason => {
  if (code === 'UnauthorizedError') return message === 'Token expired' ? 'token-expired' : 'token-refused'
  if (code === 'ForbiddenError') return 'token-not-permitted'
  if (message.startsWith('Transfer has been terminated')) return 'transfer-terminated'
  if (message.includes('Strapi instance not found')) return 'server-not-ready'
  if (step === 'initialization') return 'server-not-ready'
  if (step === 'validation') return 'options-refused'
  if (step === 'transfer' || code === 'TypeError') return 'order-refused'
  return ORDER_TEXTS.some((text) => text.test(message)) ? 'order-refused' : 'server-error'
}

/** An answer with an error, told apart by `details.step` and text, since `code` hardly ever says anything (spec 10). */
export const errorFromAnswer = (error: WireError, request: string): TransferError =>
  new TransferError(reasonOf(error), `The server refused the request "${request}"`, { said: error.message })
