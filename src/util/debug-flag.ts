import { isTrue } from './boolean-text'

/** Whether the process runs with `DEBUG=true` (contract 7.1). Read at call time, because tests switch it. */
export const isDebug = () => isTrue(process.env['DEBUG'])
