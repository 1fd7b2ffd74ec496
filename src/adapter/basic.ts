export { Adapter } from './adapter'
