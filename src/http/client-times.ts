import { type ServerOptions } from 'node:https'
import { type AdapterSettings } from '../config/settings'
import { getTLSOptions } from './tls'

/** How often a server looks for clients that have taken too long, at most and at least, in ms. */
const MAX_LOOK_MS = 5_000
const MIN_LOOK_MS = 50
/** A client may take no longer for the handshake of TLS, in ms. */
const MAX_HANDSHAKE_MS = 10_000

/** How often to look for what may last so long: often enough that nothing lasts half as long again. */
export const lookEveryMs = (limitMs: number): number =>
  Math.max(MIN_LOOK_MS, Math.min(MAX_LOOK_MS, Math.floor(limitMs / 4)))

/**
 * The times of clients as options of Node's servers. There is one limit for the whole request, so that one who sends a byte now and then has
 * no longer than others. A connection on which nothing has come yet has the same.
 */
const timesOf = (limitMs: number): ServerOptions => ({
  headersTimeout: limitMs,
  requestTimeout: limitMs,
  connectionsCheckingInterval: lookEveryMs(limitMs),
})

/** What Node's servers need of the settings: TLS (see {@link getTLSOptions}), and the times of clients. */
export const nodeOptions = (settings: AdapterSettings): { https?: ServerOptions; http: ServerOptions } => {
  const { CLIENT_TIMEOUT_MS: limitMs } = settings
  const { https } = getTLSOptions(settings)
  const http = timesOf(limitMs)
  const handshakeTimeout = Math.min(limitMs, MAX_HANDSHAKE_MS)
  return https === undefined ? { http } : { http, https: { ...https, ...http, handshakeTimeout } }
}

/** The same for fastify, which would set Node's limit of the request to none. */
export const serverOptions = (settings: AdapterSettings): object => ({
  ...nodeOptions(settings),
  requestTimeout: settings.CLIENT_TIMEOUT_MS,
})
