/** The work is in testing. */
export * from '../testing'
