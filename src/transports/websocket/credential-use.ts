import { Credential } from '../../connections/credential'
import { type EndpointContext } from '../transport'
import {
  type WebSocketTransportConfig,
  type WebsocketTransportGenerics,
  type WebSocketUrlsConfig,
} from './config'

type Config<T extends WebsocketTransportGenerics> = WebSocketTransportConfig<T> | WebSocketUrlsConfig<T>

/** `ws` has no other way to tell the status of a handshake that was refused. */
const AUTH_HANDSHAKE = /Unexpected server response: 40[13]\b/

/** What it has to know of its transport. Read at each use. */
interface Host {
  connectionClosed(): boolean
}

/**
 * The credential of a transport: which value the connection in use was opened with, and what its end says about that. A connection goes on
 * with its value until it ends; a renewed one is for the next connection.
 */
export class CredentialUse<T extends WebsocketTransportGenerics> {
  private readonly credential: Credential<EndpointContext<T>>
  private used: string | undefined

  constructor(
    private readonly host: Host,
    config: NonNullable<Config<T>['credential']>,
  ) {
    this.credential = new Credential(config, () => !this.host.connectionClosed(), host)
  }

  /** The value of the connection in use, or of the attempt that is running; empty before the first one. */
  get value(): string {
    return this.used ?? ''
  }

  /** The value that the connection in use was opened with; where there is none, the one for the next. */
  async current(context: EndpointContext<T>): Promise<string> {
    return this.used !== undefined && !this.host.connectionClosed() ? this.used : this.next(context)
  }

  /** The value for an attempt that begins now. Rejects where none can be had, so that nothing is dialled in vain. */
  async next(context: EndpointContext<T>): Promise<string> {
    this.used = undefined
    return (this.used = await this.credential.value(context, context.adapterSettings.API_TIMEOUT))
  }

  /**
   * Makes an attempt beside the connection in use, with the value that is good now. If it fails, what was used goes on being used.
   *
   * @throws what the attempt throws, and where no value can be had
   */
  async beside<R>(context: EndpointContext<T>, attempt: () => Promise<R>): Promise<R> {
    const former = this.used
    this.used = await this.credential.value(context, context.adapterSettings.API_TIMEOUT)
    try {
      return await attempt()
    } catch (error) {
      this.attemptFailed(error)
      this.used = former
      throw error
    }
  }

  /** How long no connection can be opened, in ms, because no credential is asked for; undefined where one may be. */
  get pauseMs(): number | undefined {
    return this.credential.pauseMs
  }

  /** The connection in use has closed. Returns whether that was over its credential. */
  closed(close: { code: number; reason: string }, wasUseful: boolean): boolean {
    if (wasUseful) this.credential.accepted()
    const isAuth = this.credential.isAuthClose(close)
    if (isAuth) this.deny()
    return isAuth
  }

  /** An attempt has failed. Returns whether that was over its credential, or for want of one. */
  attemptFailed(error: unknown): boolean {
    const isAuth = error instanceof Error && AUTH_HANDSHAKE.test(error.message)
    if (isAuth) this.deny()
    return isAuth || this.pauseMs !== undefined
  }

  stop(): void {
    this.credential.stop()
  }

  private deny(): void {
    if (this.used !== undefined) this.credential.denied(this.used)
    this.used = undefined
  }
}

/** The configuration with author's functions that get the credential, where there is one. */
export const withCredential = <T extends WebsocketTransportGenerics, C extends Config<T>>(
  config: C,
  use: CredentialUse<T> | undefined,
): C => {
  if (use === undefined) return config
  const { url, options, handlers } = config
  const { open } = handlers
  return {
    ...config,
    ...(url && {
      url: async (...[context, desired, parameters]: Parameters<typeof url>) =>
        url(context, desired, { ...parameters, credential: await use.current(context) }),
    }),
    ...(options && {
      options: (...[context, desired]: Parameters<typeof options>) =>
        options(context, desired, { credential: use.value }),
    }),
    handlers: {
      ...handlers,
      ...(open && {
        open: (...[socket, context]: Parameters<typeof open>) =>
          open(socket, context, { credential: use.value }),
      }),
    },
  }
}
