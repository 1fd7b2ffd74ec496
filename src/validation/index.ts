export { InputParameters } from './input-parameters'
