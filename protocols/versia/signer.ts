import { type KeyObject } from 'node:crypto'
import { readEntity } from './entity'
import { type Envelope, writeEnvelope } from './envelope'
import { signedAtNow, signHttp } from './http-signature'
import { privateKeyFrom } from './keys'
import { type VersiaVersion } from './reasons'
import { signText, stringToSign } from './signature'
import { isSignedBy } from './signed-by'

/** The inbox that messages are signed for, where nothing else is agreed (versia-websocket 2). */
export const defaultPath = (version: VersiaVersion): string =>
  version === '0.6' ? '/.versia/v0.6/inbox' : '/inbox'

export interface SignerOptions {
  /** Version of the signature rules. Default `0.6`. */
  version?: VersiaVersion
  /** Our own name, as the receiver lists it: a domain in 0.6; before that `instance <host>` or a user's URI. */
  signedBy: string
  /** base64 of PKCS8. It is kept as a key object, and shown nowhere. */
  privateKey: string
  /** What the receiver takes messages as signed for. Default: `/.versia/v0.6/inbox`, or `/inbox` before 0.6. */
  path?: string
  /** Our clock, in Unix ms. Default: the system's. */
  clock?: () => number
}

/** Signs what we send. */
export class VersiaSigner {
  readonly version: VersiaVersion
  readonly signedBy: string
  private readonly key: KeyObject
  private readonly path: string
  private readonly clock: () => number

  /** @throws Error when the name or the key is not one; nothing of the key is in its message */
  constructor({ version = '0.6', signedBy, privateKey, path, clock = () => Date.now() }: SignerOptions) {
    if (!isSignedBy(signedBy, version))
      throw new Error(`"${signedBy}" is not the name of a signer in version ${version}`)
    this.version = version
    this.signedBy = signedBy
    this.key = privateKeyFrom(privateKey)
    this.path = path ?? defaultPath(version)
    this.clock = clock
  }

  /**
   * The envelope of an entity. A text is signed as it is; an object is written first, before 0.6 with its keys sorted.
   *
   * @throws Error for an entity that a receiver would refuse
   */
  sign(entity: string | object): Envelope {
    const text = typeof entity === 'string' ? entity : this.write(entity)
    const { version, signedBy } = this
    const problem = readEntity(text, signedBy, version)
    if (typeof problem === 'string') throw new Error(`A receiver would refuse this entity: ${problem}`)
    const signedAt = signedAtNow(version, this.clock())
    const toSign = stringToSign({ method: 'post', path: this.path, signedAt, body: text })
    return { signature: signText(toSign, this.key), signedBy, signedAt, entity: text }
  }

  /** The same as the text of a frame. */
  signMessage(entity: string | object): string {
    return writeEnvelope(this.sign(entity), this.version)
  }

  /**
   * The headers that sign an HTTP request, such as the one that opens a WebSocket.
   *
   * @param url - absolute; its query is not signed
   */
  signRequest(method: string, url: string, body = ''): Record<string, string> {
    return signHttp(this, { method, path: new URL(url).pathname, body }, this.clock(), this.key)
  }

  private write(entity: object): string {
    return JSON.stringify(this.version === '0.6' ? entity : sorted(entity))
  }
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = value as Record<string, unknown>
  return Object.fromEntries(
    Object.keys(members)
      .sort()
      .map((name) => [name, sorted(members[name])]),
  )
}
