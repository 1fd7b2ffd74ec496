import { credentialShape } from '../../connections/credential-shape'
import { aFunction, optional, type Shape } from '../../util/shape'

/** The shape of the options of an HTTP transport. */
export const httpShape: Shape = {
  prepareRequests: aFunction,
  parseResponse: aFunction,
  credential: optional(credentialShape),
}
