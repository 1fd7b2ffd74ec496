import { type AddressInfo, isIPv6 } from 'node:net'
import { type FastifyInstance } from 'fastify'
import { ConfigError } from '../config/config-error'
import { listenProblem, type Place } from '../config/listen-problem'
import { type OpenAddress } from './open-addresses'

/**
 * Listens for requests.
 *
 * @returns the address where they are answered, such as `http://127.0.0.1:8080`
 * @throws ConfigError that names the variable, for a port that is taken or a host that is not this machine
 */
export const listen = async (app: FastifyInstance, place: Place): Promise<string> => {
  try {
    const address = await app.listen({ host: place.host, port: place.port })
    return address.replace('[::]', '127.0.0.1').replace('[::1]', '127.0.0.1')
  } catch (cause) {
    throw couldNotListen(place, cause)
  }
}

/** The address on which a server really listens. For port 0 the system has chosen one. */
export const addressOf = (app: FastifyInstance): { host: string; port: number } => {
  const { address: host, port } = app.server.address() as AddressInfo
  return { host, port }
}

/** For {@link sayWhatIsOpen}: where a server really listens; nothing for one that there is not. */
export const openAt = (what: OpenAddress['for'], app: FastifyInstance | undefined): OpenAddress[] => {
  if (app === undefined) return []
  const { host, port } = addressOf(app)
  return [{ for: what, address: `${isIPv6(host) ? `[${host}]` : host}:${port}` }]
}

/** The error for a server that cannot listen, given as a problem of a setting. */
export const couldNotListen = (place: Place, cause: unknown): ConfigError => {
  const { host, port } = place
  const problem = listenProblem(place, cause)
  return new ConfigError([problem], `Could not listen on ${host}:${port}. ${problem}`, { cause })
}
