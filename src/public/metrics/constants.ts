/** The work is in metrics/constants. */
export { HttpRequestType, MAX_FEED_ID_LENGTH, requestDurationBuckets } from '../../metrics/constants'
