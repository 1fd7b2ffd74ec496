/** The work is in validation/validators. */
export {
  validator,
  type ValidationErrorMessage,
  type Validator,
  type ValidatorMeta,
  type ValidatorWithParams,
} from '../../validation/validators'
