import { createPrivateKey, X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { createSecureContext, type Server } from 'node:tls'
import { isPemFile, readPem } from '../config/pem'
import { metrics } from '../metrics/registry'
import { type Heart, type Heartbeats } from '../util/heartbeats'
import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { memberOf, messageOf } from '../util/objects'

const logger = makeLogger('Certificates')

const LOOK_EVERY_MS = 1_000
/** Where there are no files, only the end of the certificate is looked at. */
const LOOK_WITHOUT_FILES_EVERY_MS = 3_600_000
/** So long a look at files may take. One that hangs is not replaced: another would hang as well, and take a further one of few threads. */
const LOOK_WITHIN_MS = 30_000
const DAY_MS = 86_400_000
const WARN_BEFORE_MS = 14 * DAY_MS

/** PEM texts. */
export interface TlsTexts {
  cert: string
  key: string
  ca?: string
  passphrase?: string
}

/** Where the texts come from, for a server that goes on while they change. */
export interface TlsOrigin {
  /** Paths of the files that are looked at; none where the texts stand in settings. */
  readonly files: readonly string[]
  /** Reads the texts anew. @throws Error for what cannot be used; its message holds no path and nothing of a key */
  read: () => TlsTexts
}

/** Changes with each change of a file, also one that is renamed into its place, or led to by another link. */
const markOf = async (file: string): Promise<string> => {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(':')
  } catch (error) {
    return String(memberOf(error, 'code'))
  }
}

const isWhole = (pem: string): boolean => pem.split('-----BEGIN ').length === pem.split('-----END ').length

/** @throws Error for texts that a server could not use; its message holds nothing of them */
export const checkTls = (texts: TlsTexts): void => {
  const { cert, key, ca, passphrase } = texts
  if (![cert, key, ca ?? ''].every(isWhole)) throw new Error('a text has a beginning and no end')
  if (ca !== undefined) new X509Certificate(ca)
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey({ key, passphrase })))
    throw new Error('the key is not that of the certificate')
  createSecureContext(texts)
}

const isSame = (one: TlsTexts, other: TlsTexts): boolean =>
  one.cert === other.cert && one.key === other.key && one.ca === other.ca

/** The origin of texts that are given as PEM, base64 of PEM, or the path of a file with one of these. */
export const tlsOriginOf = (given: TlsTexts): TlsOrigin => {
  const sources = (['cert', 'key', 'ca'] as const).filter((name) => given[name])
  return {
    files: sources.map((name) => given[name] ?? '').filter(isPemFile),
    read: () => ({
      ...given,
      ...Object.fromEntries(sources.map((name) => [name, readPem(given[name] ?? '')])),
    }),
  }
}

/**
 * Keeps the certificate of servers as its files have it, while they listen: new connections get the new one, those that are open go on. What
 * cannot be used, is half written or is gone changes nothing. Tells of a certificate that ends soon.
 */
export class CertificateRenewal {
  private timer: NodeJS.Timeout | undefined
  private heart: Heart | undefined
  private unpublish = (): void => {}
  private readonly warnings = new LogLimiter(DAY_MS)
  private isLooking = false
  /** What the files were at the last look, when the texts were read, and when they could not be used. */
  private seen: string | undefined
  private used: string | undefined
  private refused: string | undefined

  /**
   * @param servers - all that have these texts; the first is the one that says whether they listen
   * @param texts - those that they have now
   * @param loops - where looks at files beat
   */
  constructor(
    private readonly servers: () => readonly [Server, ...Server[]],
    private readonly origin: TlsOrigin,
    private texts: TlsTexts,
    private readonly loops?: Heartbeats,
  ) {
    const [first] = servers()
    first.on('listening', () => this.start())
    first.on('close', () => this.stop())
  }

  start(): void {
    this.stop()
    const hasFiles = this.origin.files.length > 0
    const everyMs = hasFiles ? LOOK_EVERY_MS : LOOK_WITHOUT_FILES_EVERY_MS
    if (hasFiles)
      this.heart = this.loops?.add(`looks at the certificate of port ${this.port()}`, LOOK_WITHIN_MS)
    this.timer = setInterval(() => void this.look(), everyMs)
    this.timer.unref?.()
    const port = this.port()
    this.unpublish = metrics.publish('tlsCertificateEnd', (metric) =>
      metric.set({ port }, this.endsAtUnixMs() / 1_000),
    )
    this.warnOfEnd()
  }

  stop(): void {
    this.heart?.stop()
    this.heart = undefined
    clearInterval(this.timer)
    this.timer = undefined
    this.unpublish()
    this.unpublish = () => {}
  }

  /** Looks whether files have changed. Never rejects; it is called every second while the servers listen. */
  async look(): Promise<void> {
    // A server that is closing has no new connections, and may take long.
    if (!this.servers()[0].listening) return this.stop()
    if (this.isLooking) return
    this.isLooking = true
    const marks = await Promise.all(this.origin.files.map(markOf))
    this.isLooking = false
    this.heart?.beat()
    if (this.timer === undefined) return
    this.changedTo(marks.join())
    this.warnOfEnd()
  }

  /** Files are read once they have been the same at two looks: whoever writes several of them, or a long one, is done by then. */
  private changedTo(mark: string): void {
    const isSettled = mark === this.seen
    this.seen = mark
    if (!isSettled || mark === this.used) return
    try {
      const texts = this.origin.read()
      checkTls(texts)
      this.use(texts)
      this.used = mark
      this.refused = undefined
    } catch (error) {
      const port = this.port()
      if (mark !== this.refused)
        logger.warn(
          { port, problem: messageOf(error) },
          'Changed files of TLS cannot be used: the last go on',
        )
      this.refused = mark
    }
  }

  private use(texts: TlsTexts): void {
    if (isSame(texts, this.texts)) return
    for (const server of this.servers()) server.setSecureContext(texts)
    this.texts = texts
    const endsAt = new Date(this.endsAtUnixMs()).toISOString()
    logger.info({ port: this.port(), endsAt }, 'New connections get the changed certificate')
  }

  private warnOfEnd(): void {
    const endsAtUnixMs = this.endsAtUnixMs()
    const leftMs = endsAtUnixMs - Date.now()
    if (!(leftMs < WARN_BEFORE_MS)) return
    const fields = { port: this.port(), endsAt: new Date(endsAtUnixMs).toISOString() }
    this.warnings.run(fields.endsAt, () => {
      if (leftMs > 0) logger.warn(fields, 'The certificate of this port ends soon')
      else logger.error(fields, 'The certificate of this port has ended')
    })
  }

  private endsAtUnixMs(): number {
    return Date.parse(new X509Certificate(this.texts.cert).validTo)
  }

  private port(): string {
    const address = this.servers()[0].address()
    return address === null || typeof address === 'string' ? '' : String(address.port)
  }
}
