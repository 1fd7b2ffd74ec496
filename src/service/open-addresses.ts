import { type AdapterSettings } from '../config/settings'
import { makeLogger } from '../util/logging'

const logger = makeLogger('Open')

/** An address that is open to whoever can reach it. */
export interface OpenAddress {
  /** What is to be had there. */
  for: 'requests' | 'metrics' | 'operators'
  /** Host and port, such as `127.0.0.1:8080` or `[::]:8080`. */
  address: string
}

type Doors = Pick<AdapterSettings, 'MTLS_ENABLED'>

/** What has to be shown there to be let in; undefined where that is nothing. */
const shownAt = (what: OpenAddress['for'], { MTLS_ENABLED }: Doors): string | undefined => {
  const certificate = MTLS_ENABLED ? 'a client certificate' : undefined
  if (what !== 'operators') return certificate
  return certificate === undefined ? 'ADMIN_TOKEN' : `${certificate} and ADMIN_TOKEN`
}

/** Not everybody knows how they are written. */
const ALL = /^(?:\[::\]|0\.0\.0\.0):/

/** Logs which addresses are open, for what, and who is let in: what nobody knew to be open is what others find. */
export const sayWhatIsOpen = (addresses: readonly OpenAddress[], doors: Doors): void => {
  const open = addresses.map((one) => ({ ...one, authentication: shownAt(one.for, doors) ?? 'none' }))
  const said = open.map(({ for: what, address, authentication }) => {
    const who = authentication === 'none' ? 'without authentication' : `with ${authentication}`
    return `${what} on ${address}${ALL.test(address) ? ' (all addresses of this machine)' : ''}, ${who}`
  })
  logger.info({ open }, `Open addresses: ${said.length === 0 ? 'none' : said.join('; ')}`)
}
