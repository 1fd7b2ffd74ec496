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
} from './errors'
