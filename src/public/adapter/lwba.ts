/** The work is in adapter/lwba-endpoint. */
export {
  DEFAULT_LWBA_ALIASES,
  LwbaEndpoint,
  type LwbaEndpointGenerics,
  type LwbaEndpointInputParametersDefinition,
  lwbaEndpointInputParametersDefinition,
  type LwbaResponseDataFields,
  validateLwbaResponse,
} from '../../adapter/lwba-endpoint'
