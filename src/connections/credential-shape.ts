import { aFunction, members, optional } from '../util/shape'

/** The shape of a transport's option `credential`. */
export const credentialShape = members({ fetch: aFunction, isAuthClose: optional(aFunction) })
