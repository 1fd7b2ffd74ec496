import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'

/** A request as it came to a loopback HTTP provider. */
export interface ProviderRequest {
  /** 0 for the first request. */
  readonly index: number
  /** When it began to come, by `performance.now()`. */
  readonly atMs: number
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The body as text. */
  readonly text: string
  /** The parsed body; undefined when it is not JSON. */
  readonly json: unknown
  /** Resolves when its answer has left, or its connection has ended without one. */
  readonly ended: Promise<'answered' | 'abandoned'>
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @internal Resolves when all of its body has come. */
export const readRequest = async (
  request: IncomingMessage,
  response: ServerResponse,
  index: number,
): Promise<ProviderRequest> => {
  const atMs = performance.now()
  const ended = new Promise<'answered' | 'abandoned'>((resolve) =>
    response.once('close', () => resolve(response.writableFinished ? 'answered' : 'abandoned')),
  )
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  const { method = '', url: path = '/', headers } = request
  const { searchParams: query } = new URL(path, 'http://127.0.0.1')
  return { index, atMs, method, path, query, headers, text, json: parse(text), ended }
}
