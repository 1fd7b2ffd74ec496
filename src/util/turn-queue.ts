export { EvictedError, type Turn, TurnQueue } from './turns'
