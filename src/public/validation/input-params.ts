/** The work is in validation/input-parameters and validation/overrides and validation/definition-types. */
export { InputParameters } from '../../validation/input-parameters'
export { validateOverrides } from '../../validation/overrides'
export {
  type EmptyInputParameters,
  type InputParameter,
  type InputParametersDefinition,
  type Override,
  type TypeFromDefinition,
} from '../../validation/definition-types'
