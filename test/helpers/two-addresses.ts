import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { vi } from 'vitest'

const HOST = 'two-addresses.test'

/**
 * A host that has two addresses, and nothing that listens on either. Undone by `vi.restoreAllMocks()`.
 *
 * @returns where it is, and what Node says of each address
 */
export const refusingHost = async (): Promise<{ host: string; parts: string }> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const addresses = ['127.0.0.1', '127.0.0.2']
  const real = dns.lookup as (...args: unknown[]) => void
  vi.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
    if (args[0] !== HOST) return real(...args)
    const found = addresses.map((address) => ({ address, family: 4 }))
    const callback = args.at(-1) as (error: null, found: object[]) => void
    process.nextTick(() => callback(null, found))
  })
  return {
    host: `${HOST}:${port}`,
    parts: addresses.map((address) => `connect ECONNREFUSED ${address}:${port}`).join('; '),
  }
}
