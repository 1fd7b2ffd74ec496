export { errorCatchingMiddleware, validatorMiddleware } from '../http/request-hooks'
export { InputParameters } from './input-parameters'
