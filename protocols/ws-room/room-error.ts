import { type ErrorCode } from '../../src/transports/peer/terms'
import { connectionFailure } from '../../src/connections/connection-error'
import { AdapterConnectionError } from '../../src/public/validation/error'

/** Why there is no place in a room, beside what can be wrong with any connection. */
const CODES = {
  'key-expired': 'KEY_EXPIRED',
  'connection-string': 'CONNECTION_STRING_REFUSED',
  realm: 'REALM_FAILED',
  'room-full': 'ROOM_FULL',
  'login-refused': 'LOGIN_REFUSED',
  'login-timeout': 'LOGIN_TIMEOUT',
  'bad-challenge': 'CHALLENGE_REFUSED',
  'out-of-order': 'PROTOCOL_VIOLATED',
  replaced: 'REPLACED',
} as const satisfies Record<string, ErrorCode>

export type RoomTrouble = keyof typeof CODES

/** A room that could not be entered, or that put us out. */
export class RoomError extends AdapterConnectionError {
  constructor(
    readonly trouble: RoomTrouble,
    message: string,
    cause?: unknown,
  ) {
    super(...connectionFailure(CODES[trouble], message, cause))
  }
}
