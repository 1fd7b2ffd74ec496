/** What a protocol may use of this room besides {@link PeerTransport}: how a transport says what it has, lacks and is asked for, and which of two values is the newer one. */
export { compareStandings, compareTimes, type Moment, type Standing } from '../../feeds/order'
export { FUTURE_TOLERANCE_MS, isAhead } from '../../feeds/time'
export { isUnixMs } from '../../util/provider-time'
export { type ErrorCode } from '../../validation/error-codes'
export { type Reason } from '../../validation/reason'
export { CONNECTIONS, FEED_OUTAGE, OUTAGE, WAKE } from '../capabilities'
export { wantingTransports } from '../subscription-transport'
