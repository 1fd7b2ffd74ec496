import { timeReader } from '../../src/util/rfc3339'

/** Unix ms of an RFC 3339 time, cut to the ms; undefined for all else: no zone, a day that does not exist, a leap second. */
export const unixMsOf = timeReader({ lowerCase: true, firstYear: 100 })
