import { type ErrorCode } from '../../src/transports/peer/terms'
import { type TransferError, type TransferReason } from './errors'

const CODES: Partial<Record<TransferReason, ErrorCode>> = {
  'url-invalid': 'URL_FAILED',
  'connection-failed': 'CONNECTION_FAILED',
  'connection-lost': 'CONNECTION_CLOSED',
  'request-timeout': 'UNRESPONSIVE',
  'batch-timeout': 'UNRESPONSIVE',
  'transfer-timeout': 'UNRESPONSIVE',
  'token-refused': 'HANDSHAKE_REFUSED',
  'token-expired': 'HANDSHAKE_REFUSED',
  'token-not-permitted': 'HANDSHAKE_REFUSED',
  'transfer-not-found': 'HANDSHAKE_REFUSED',
  'upgrade-not-allowed': 'HANDSHAKE_REFUSED',
}

/** Which code of the table clients see for a failed transfer. */
export const outageCodeOf = ({ reason }: TransferError): ErrorCode => CODES[reason] ?? 'REQUEST_FAILED'
