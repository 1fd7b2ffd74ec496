/** The work is in validation/errors. */
export {
  AdapterConnectionError,
  AdapterCustomError,
  AdapterDataProviderError,
  AdapterError,
  AdapterInputError,
  AdapterLWBAError,
  AdapterRateLimitError,
  AdapterTimeoutError,
  type AdapterErrorResponse,
} from '../../validation/errors'
