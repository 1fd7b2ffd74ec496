import { type EndpointRateLimitingConfig } from './params'

/**
 * Splits the adapter's request budget (contract 3.1): endpoints without an explicit share divide what is left equally.
 *
 * @throws Error when the explicit shares leave nothing for the others, or exceed 100 %
 */
export const allocateRateLimits = (endpoints: { rateLimiting?: EndpointRateLimitingConfig }[]): void => {
  const implicit = endpoints.filter(({ rateLimiting }) => rateLimiting === undefined)
  const explicitTotal = endpoints.reduce(
    (sum, { rateLimiting }) => sum + (rateLimiting?.allocationPercentage ?? 0),
    0,
  )
  if (explicitTotal > 100)
    throw new Error('The total allocation set for all endpoints summed cannot exceed 100%')
  if (explicitTotal === 100 && implicit.length > 0)
    throw new Error('The explicit allocation is at 100% but there are endpoints with implicit allocation')
  for (const endpoint of implicit)
    endpoint.rateLimiting = { allocationPercentage: (100 - explicitTotal) / implicit.length }
}
