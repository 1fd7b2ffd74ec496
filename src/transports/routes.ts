import { type Transport, type TransportGenerics } from './transport'

/** The name under which an endpoint's only transport is registered. */
export const DEFAULT_TRANSPORT_NAME = 'default_single_transport'

/** The transports of one endpoint by name, in the order in which they were registered (contract 4.3). */
export class TransportRoutes<T extends TransportGenerics> {
  private readonly map = new Map<string, Transport<T>>()

  /** @throws Error when the name is taken, or is not made of lower-case letters */
  register<T2 extends T>(name: string, transport: Transport<T2>): this {
    if (name !== DEFAULT_TRANSPORT_NAME && !/^[a-z]+$/.test(name)) {
      throw new Error(
        `Transport name "${name}" is invalid. Names in the AdapterEndpoint transports map can only include lowercase letters.`,
      )
    }
    if (this.map.has(name)) throw new Error(`Transport with name "${name}" is already registered in this map`)
    this.map.set(name, transport)
    return this
  }

  get(name: string): Transport<T> {
    return this.map.get(name)!
  }

  routeNames(): string[] {
    return [...this.map.keys()]
  }

  entries(): [string, Transport<T>][] {
    return [...this.map.entries()]
  }
}
