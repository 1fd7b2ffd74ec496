import { type Reason } from '../validation/reason'

/** What was seen on the connection of a feed for which nothing has come. Times are in Unix ms. */
export interface Sight {
  /** Since when the connection in use is open. */
  connectedUnixMs: number
  /** Since when the feed is subscribed on it; undefined where it is not yet. */
  subscribedUnixMs: number | undefined
  /** What has come on it so far, in words. */
  received: string
}

const isoOf = (unixMs: number): string => new Date(unixMs).toISOString()

export const messagesText = (count: number): string => `${count} ${count === 1 ? 'message' : 'messages'}`

/**
 * For a client that waits: nothing is known to be wrong, so it is told what was seen. Whether a value will come cannot be told as long as
 * the feed is not subscribed.
 *
 * @param lastSetUnixMs - when something was last written for the feed, on whichever connection; 0 where nothing ever was
 */
export const sightReason = (
  { connectedUnixMs, subscribedUnixMs, received }: Sight,
  lastSetUnixMs: number,
): Reason => {
  const isSubscribed = subscribedUnixMs !== undefined
  const subscribed = isSubscribed ? `subscribed since ${isoOf(subscribedUnixMs)}` : 'not yet subscribed'
  const values = lastSetUnixMs === 0 ? '0 values' : `0 values since ${isoOf(lastSetUnixMs)}`
  const message =
    `Connected since ${isoOf(connectedUnixMs)}, this feed ${subscribed}; ` +
    `received on this connection so far: ${received}, for this feed ${values}`
  return {
    code: isSubscribed ? 'NO_DATA' : 'NO_DATA_YET',
    message,
    sinceUnixMs: subscribedUnixMs ?? connectedUnixMs,
  }
}
