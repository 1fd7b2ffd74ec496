/** Whether the process runs with `DEBUG=true` (contract 7.1). Read at call time, because tests switch it. */
export const isDebug = () => process.env['DEBUG'] === 'true'
