/** What a protocol may use of this room besides {@link PushedTransport}: how a transport says what it has, lacks and is asked for. */
export { type ErrorCode } from '../../validation/error-codes'
export { type Outage } from '../../validation/outage'
export { CONNECTIONS, FEED_OUTAGE, OUTAGE, WAKE } from '../capabilities'
export { wantingTransports } from '../subscription-transport'
