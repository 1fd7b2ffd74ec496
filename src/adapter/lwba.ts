export {
  DEFAULT_LWBA_ALIASES,
  LwbaEndpoint,
  type LwbaEndpointGenerics,
  type LwbaEndpointInputParametersDefinition,
  lwbaEndpointInputParametersDefinition,
  type LwbaResponseDataFields,
  validateLwbaResponse,
} from './lwba-endpoint'
