import { type KeyObject } from 'node:crypto'
import { makeLogger } from '../../src/util/logging'
import { sleep } from '../../src/util/sleep'
import { DiscoveryError } from './https-get'
import { type KeyRing } from './verifier'

const logger = makeLogger('VersiaKeys')

const REFRESH_MS = 6 * 3_600_000
/** Shortest time between two fetches for one signer, for any reason. */
const PAUSE_MS = 60_000

/** After these failures the known key stays in use: they say nothing about it. */
const PASSING: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'http_status'])

/** Finds the key of a listed signer. @throws DiscoveryError */
export type Discover = (signedBy: string, signal: AbortSignal) => Promise<KeyObject>

/**
 * The keys of the listed signers. Those that are pinned stay as they are; the others are fetched at the start, again every six hours, and
 * after a signature that their key did not make, at most once a minute. Nothing that a message says leads to a fetch of anything else.
 */
export class SignerKeys implements KeyRing {
  private readonly rings: Map<string, readonly KeyObject[]>
  private readonly missing = new Map<string, string>()
  private readonly rouse = new Map<string, () => void>()
  private readonly stopping = new AbortController()
  private fetching: Promise<void>[] = []

  /** @param discover - absent, no key is ever fetched */
  constructor(
    pinned: ReadonlyMap<string, readonly KeyObject[]>,
    private readonly discover?: Discover,
  ) {
    this.rings = new Map(pinned)
  }

  keysOf(signedBy: string): readonly KeyObject[] | undefined {
    return this.rings.get(signedBy)
  }

  signatureFailed(signedBy: string): void {
    this.rouse.get(signedBy)?.()
  }

  /** Why a signer has no key, if there is such a signer: none of its messages can be used. */
  problem(): string | undefined {
    const [first] = this.missing
    return first === undefined ? undefined : `The key of ${first[0]} is not known: ${first[1]}`
  }

  start(): void {
    const { discover } = this
    if (discover === undefined || this.fetching.length > 0) return
    const unpinned = [...this.rings].filter(([, keys]) => keys.length === 0)
    this.fetching = unpinned.map(([signedBy]) => this.keepFetching(signedBy, discover))
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await Promise.all(this.fetching)
  }

  private async keepFetching(signedBy: string, discover: Discover): Promise<void> {
    const { signal } = this.stopping
    this.missing.set(signedBy, 'it has not been fetched yet')
    while (!signal.aborted) {
      const isFound = await this.fetch(signedBy, discover)
      await sleep(PAUSE_MS, signal)
      if (isFound) await this.restUntilRoused(signedBy)
    }
  }

  private async fetch(signedBy: string, discover: Discover): Promise<boolean> {
    const { signal } = this.stopping
    try {
      this.rings.set(signedBy, [await discover(signedBy, signal)])
      this.missing.delete(signedBy)
      return true
    } catch (err) {
      if (signal.aborted) return false
      const reason = err instanceof DiscoveryError ? err.reason : 'unreachable'
      logger.warn({ err, signedBy, reason }, 'The key of a signer was not found')
      if (!PASSING.has(reason)) this.rings.set(signedBy, [])
      if (this.rings.get(signedBy)?.length === 0) this.missing.set(signedBy, reason)
      return false
    }
  }

  private async restUntilRoused(signedBy: string): Promise<void> {
    const rest = new AbortController()
    const end = () => rest.abort()
    this.stopping.signal.addEventListener('abort', end)
    this.rouse.set(signedBy, end)
    if (!this.stopping.signal.aborted) await sleep(REFRESH_MS, rest.signal)
    this.rouse.delete(signedBy)
    this.stopping.signal.removeEventListener('abort', end)
  }
}
