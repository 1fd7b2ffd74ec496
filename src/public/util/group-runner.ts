/** The work is in util/group-runner. */
export { GroupRunner } from '../../util/group-runner'
