import { TransferError, type TransferReason } from './errors'

const NOT_FOUND =
  'no such path: the admin URL is another one, or remote transfer is switched off on the server (transfer.remote.enabled), ' +
  'or a proxy dropped the WebSocket upgrade header'

const REFUSALS: Record<number, { reason: TransferReason; message: string }> = {
  400: {
    reason: 'upgrade-not-allowed',
    message: 'the upgrade request was malformed, as by a proxy on the way',
  },
  401: { reason: 'token-refused', message: 'the transfer token is missing, unknown or revoked' },
  403: { reason: 'token-not-permitted', message: 'the transfer token has no permission for this direction' },
  404: { reason: 'transfer-not-found', message: NOT_FOUND },
  405: { reason: 'upgrade-not-allowed', message: 'the method was not allowed, as by a proxy on the way' },
}

/** The `error.message` of a JSON refusal; undefined for plain texts and for what a proxy may have put in its place. */
const messageOf = (body: string): string | undefined => {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } }
    return typeof error?.message === 'string' ? error.message : undefined
  } catch {
    return undefined
  }
}

/** What an answer to the upgrade request other than 101 means (spec 2.2). Only the server's name for it is looked at. */
export const errorFromRefusal = (status: number, body: string): TransferError => {
  const prefix = `Strapi refused the transfer (HTTP ${status})`
  if (status === 401 && messageOf(body) === 'Token expired')
    return new TransferError('token-expired', `${prefix}: the transfer token has expired`)
  const known = REFUSALS[status]
  if (known !== undefined) return new TransferError(known.reason, `${prefix}: ${known.message}`)
  if (status >= 500) {
    const causes = 'its database is busy, or it has no transfer token salt configured'
    return new TransferError('server-error', `${prefix}: ${causes}`)
  }
  return new TransferError('upgrade-not-allowed', `${prefix}: not an answer that Strapi gives`)
}
