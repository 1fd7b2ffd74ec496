export { Requester } from '../transports/requester/requester'
