export {
  validator,
  type ValidationErrorMessage,
  type Validator,
  type ValidatorMeta,
  type ValidatorWithParams,
} from './validators'
