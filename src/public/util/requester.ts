/** The work is in outbound-http/requester. */
export { Requester } from '../../outbound-http/requester'
