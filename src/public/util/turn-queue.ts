/** The work is in util/turns. */
export { EvictedError, type Turn, TurnQueue } from '../../util/turns'
