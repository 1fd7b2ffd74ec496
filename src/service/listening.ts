import { type FastifyInstance } from 'fastify'

/**
 * Listens for requests.
 *
 * @returns where they are answered, such as `http://127.0.0.1:8080`
 * @throws Error that names the address, for a port that is taken or a host that is not this one
 */
export const listen = async (app: FastifyInstance, host: string, port: number): Promise<string> => {
  try {
    const address = await app.listen({ host, port })
    return address.replace('[::]', '127.0.0.1').replace('[::1]', '127.0.0.1')
  } catch (cause) {
    throw new Error(`Could not listen on ${host}:${port}: ${String(cause)}`, { cause })
  }
}
