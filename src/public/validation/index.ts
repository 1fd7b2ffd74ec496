/** The work is in adapter/authors/request-hooks and validation/input-parameters. */
export { errorCatchingMiddleware, validatorMiddleware } from '../../adapter/authors/request-hooks'
export { InputParameters } from '../../validation/input-parameters'
