/** What became of a request: the `type` label of `http_requests_total` (contract 14). */
export enum HttpRequestType {
  CACHE_HIT = 'cacheHit',
  DATA_PROVIDER_HIT = 'dataProviderHit',
  ADAPTER_ERROR = 'adapterError',
  INPUT_ERROR = 'inputError',
  RATE_LIMIT_ERROR = 'rateLimitError',
  DP_ERROR = 'dataProviderError',
  TIMEOUT_ERROR = 'timeoutError',
  CONNECTION_ERROR = 'connectionError',
  CUSTOM_ERROR = 'customError',
  LWBA_ERROR = 'lwbaError',
}

/** Characters a feed id may have. Part of the public surface; nothing here enforces it (contract 1.2). */
export const MAX_FEED_ID_LENGTH = 300

/** Upper bounds, in seconds, of both request duration histograms (contract 14). */
export const requestDurationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
