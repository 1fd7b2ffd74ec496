import { type KeyObject } from 'node:crypto'
import { readEntity, type VersiaEntity } from './entity'
import { type Envelope, readEnvelope } from './envelope'
import { type Distrust, type VersiaVersion } from './reasons'
import { type ReplayMemory } from './replay-memory'
import { isSignedByOne, isWithinWindow, stringToSign, WINDOW_MS } from './signature'

/** How long a message of version 0.4 is remembered, which has no time that would end it. */
const LEGACY_MEMORY_MS = 2 * WINDOW_MS

/** The public keys of a signer, made once and kept. Undefined: not a signer that we list, or one whose key is not known yet. */
export interface KeyRing {
  keysOf(signedBy: string): readonly KeyObject[] | undefined
  /** Called for each signature that does not fit any known key: the signer may have a new one. */
  signatureFailed?(signedBy: string): void
}

export interface VerifierOptions {
  version: VersiaVersion
  /** The path that messages are signed for. */
  path: string
  keys: KeyRing
  memory: ReplayMemory
}

/** A message that may be used. */
export interface Verified {
  signedBy: string
  entity: VersiaEntity
}

/** Steps 1 to 6 of the checks, in that order (versia-websocket 8). Nothing of a message is used before all have passed. */
export class Verifier {
  constructor(private readonly of: VerifierOptions) {}

  /**
   * Never throws.
   *
   * @param now - our clock, in Unix ms
   */
  verify(data: Buffer, isBinary: boolean, now: number): Verified | Distrust {
    const envelope = readEnvelope(data, isBinary, this.of.version)
    if (typeof envelope === 'string') return envelope
    const distrust = this.distrust(envelope, now)
    if (distrust !== undefined) return distrust
    const { signedBy } = envelope
    const entity = readEntity(envelope.entity, signedBy, this.of.version)
    return typeof entity === 'string' ? entity : { signedBy, entity }
  }

  private distrust({ signature, signedBy, signedAt, entity }: Envelope, now: number): Distrust | undefined {
    const { version, path, keys: ring, memory } = this.of
    const keys = ring.keysOf(signedBy)
    if (keys === undefined || keys.length === 0) return 'unknown_signer'
    if (version !== '0.4' && !isWithinWindow(signedAt, now)) return 'stale'
    const text = stringToSign({ method: 'post', path, signedAt, body: entity })
    if (!isSignedByOne(text, signature, keys)) {
      ring.signatureFailed?.(signedBy)
      return 'bad_signature'
    }
    const expiresAt = version === '0.4' ? now + LEGACY_MEMORY_MS : Number(signedAt) * 1_000 + WINDOW_MS
    const seen = memory.take(signedBy, text, expiresAt, now)
    if (seen === 'new') return undefined
    return seen === 'full' ? 'replay_memory_full' : 'replay'
  }
}
