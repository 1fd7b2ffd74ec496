/**
 * What a protocol may use from this folder besides {@link PeerTransport}: how a transport reports its connections, its troubles and its
 * wanted feeds, and how two values are compared to find the newer one.
 */
export { compareStandings, compareTimes, type Moment, type Standing } from '../../feeds/order'
export { FUTURE_TOLERANCE_MS, isAhead } from '../../feeds/time'
export { isUnixMs } from '../../util/provider-time'
export { type ErrorCode } from '../../validation/error-codes'
export { type Reason } from '../../validation/reason'
export { CONNECTIONS, FEED_OUTAGE, OPEN, OUTAGE, WAKE } from '../capabilities'
export { wantingTransports } from '../subscription-transport'
