/** The work is in adapter/numeric-result-endpoint. */
export {
  NumericResultEndpoint,
  type NumericResultEndpointGenerics,
} from '../../adapter/numeric-result-endpoint'
