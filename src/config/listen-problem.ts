import { memberOf, messageOf } from '../util/objects'

/** Where to listen, and the variables that say so. */
export interface Place {
  host: string
  port: number
  hostVariable?: string
  portVariable: string
}

/** Why one cannot listen somewhere, as a problem of a setting, with what to do. */
export const listenProblem = (
  { host, port, hostVariable = 'EA_HOST', portVariable }: Place,
  cause: unknown,
): string => {
  const code = memberOf(cause, 'code')
  if (code === 'EADDRINUSE')
    return `${portVariable}: Port ${port} is taken (EADDRINUSE). Stop what listens there, or set ${portVariable} to a free port`
  if (code === 'EACCES')
    return `${portVariable}: This process may not listen on port ${port} (EACCES). Set ${portVariable} to a port above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${hostVariable}: ${host} is no address of this machine (${code}). Set ${hostVariable} to one that is, or to :: for all`
  return `${portVariable}: ${messageOf(cause)}`
}
