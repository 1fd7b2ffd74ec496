import { type IncomingMessage } from 'node:http'
import { type AdapterSettings } from '../../config/settings'
import { isAuthorized, UNAUTHORIZED } from '../../http/admin'
import { type Page, type PageAnswer } from './control'
import { PlainServer } from './plain-server'

const JSON_TYPE = 'application/json; charset=utf-8'

const refusal = (statusCode: number, error: string, message: string): PageAnswer => ({
  statusCode,
  type: JSON_TYPE,
  text: JSON.stringify({ statusCode, error, message }),
})

/**
 * The port for operators of a service of several processes. What it shows is in the writer, which has the connections and all that clients
 * want: requests with the token are handed to it.
 */
export class AdminRelay extends PlainServer {
  /** @param ask - undefined where the writer does not answer */
  constructor(settings: AdapterSettings, port: number, ask: (page: Page) => Promise<PageAnswer | undefined>) {
    super(settings, { port, portVariable: 'ADMIN_PORT' }, (req, res) => {
      void answerTo(req, settings, ask).then(({ statusCode, type, text }) => {
        const challenge = statusCode === 401 ? { 'www-authenticate': 'Bearer' } : {}
        res
          .writeHead(statusCode, { 'content-type': type, ...challenge })
          .end(req.method === 'HEAD' ? '' : text)
      })
    })
  }
}

/** Never rejects. */
const answerTo = async (
  req: IncomingMessage,
  { ADMIN_TOKEN = '', MAX_PAYLOAD_SIZE_LIMIT }: AdapterSettings,
  ask: (page: Page) => Promise<PageAnswer | undefined>,
): Promise<PageAnswer> => {
  const { authorization, 'content-type': type } = req.headers
  if (!isAuthorized(authorization, ADMIN_TOKEN)) return refusal(401, 'Unauthorized', UNAUTHORIZED)
  const body = await bodyOf(req, MAX_PAYLOAD_SIZE_LIMIT)
  if (body === undefined) return refusal(413, 'Payload Too Large', 'The body is too large, or was cut')
  const page = { method: req.method ?? 'GET', url: req.url ?? '/', authorization, type, body }
  return (await ask(page)) ?? refusal(503, 'Service Unavailable', 'The writer does not answer')
}

/** Undefined for one that is too large, or has not come to its end. */
const bodyOf = async (req: IncomingMessage, limit: number): Promise<string | undefined> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limit) return undefined
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString()
  } catch {
    return undefined
  }
}
