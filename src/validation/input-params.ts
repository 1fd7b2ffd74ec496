export { InputParameters } from './input-parameters'
export { validateOverrides } from './overrides'
export {
  type EmptyInputParameters,
  type InputParameter,
  type InputParametersDefinition,
  type Override,
  type TypeFromDefinition,
} from './definition-types'
