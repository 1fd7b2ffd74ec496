/** The work is in util/result-number. */
export { isProviderError, validateResultNumber } from '../../util/result-number'
