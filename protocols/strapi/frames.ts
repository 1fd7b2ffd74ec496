import { beginningOf } from '../../src/util/redaction'

/** Which way data goes, seen from us: `pull` reads from the server, `push` writes into it. */
export type Direction = 'pull' | 'push'

/** The stages of a transfer, in the only order in which a push may have them. On the wire the field is called `step`. */
export const STAGES = ['entities', 'assets', 'links', 'configuration'] as const
export type Stage = (typeof STAGES)[number]

/** What a pull may ask for, beside its stages (spec 5). */
export type PullAction = 'bootstrap' | 'getMetadata' | 'getSchemas' | 'close'
export type TransferAction = PullAction | 'beforeTransfer' | 'rollback'

/** Commands of a transfer (spec 4). `status` may serve as a ping; in a pull its answer is inverted and decides nothing. */
export type TransferCommand =
  | { command: 'init'; params: Record<string, unknown> }
  | { command: 'end'; params: { transferID: string } }
  | { command: 'status' }

/** A closed set: the server answers a misspelt action as if it had succeeded (spec 3.6). */
export type TransferStep =
  { action: 'start' | 'end'; step: Stage } | { action: 'stream'; step: Stage; data: readonly unknown[] }

/** The body of a request, before it has its `uuid`. */
export type TransferRequest =
  | ({ type: 'command' } & TransferCommand)
  | { type: 'transfer'; kind: 'action'; action: TransferAction; transferID: string }
  | ({ type: 'transfer'; kind: 'step'; transferID: string } & TransferStep)

/** The `error` of an answer, as far as it decides anything. `message` is the server's own text: for logs, cut, and for no client. */
export interface WireError {
  code: string
  message: string
  /** `initialization`, `validation`, `transfer`, or undefined for any other exception. */
  step: string | undefined
}

/** A log line of the server. Its text may hold absolute paths of the server. */
export interface Diagnostic {
  kind: 'diagnostic'
  level: 'info' | 'warning' | 'error' | 'other'
  message: string
}

/** Something of a step that is being read, to be acknowledged with its `uuid`. */
export interface Batch {
  kind: 'batch'
  uuid: string
  /** Ties it to the `start` answer of its step. */
  id: string
  /** Null in the end marker. */
  items: unknown[] | null
  /** The end marker: the last frame of a step. */
  hasEnded: boolean
  /** The step has failed on the server. */
  hasError: boolean
}

export interface Answer {
  kind: 'answer'
  uuid: string
  data: unknown
  error: WireError | undefined
}

/** `stray`: an answer to something settled or never asked. `broken`: a frame that this protocol does not have. */
export type Incoming =
  Diagnostic | Batch | Answer | { kind: 'stray' } | { kind: 'ignored' } | { kind: 'broken'; why: string }

/** Longest text of the server that is kept. */
const MAX_TEXT = 300

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A text of the server, cut; anything else as its own name for it. */
const textOf = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? beginningOf(value, MAX_TEXT, '') : otherwise

export const encodeRequest = (uuid: string, request: TransferRequest): string =>
  JSON.stringify({ ...request, uuid })

/** Only the uuid: with a `type` the server might take it for a request (spec 3.5). */
export const encodeAcknowledgement = (uuid: string): string => JSON.stringify({ uuid })

const LEVELS: ReadonlySet<unknown> = new Set(['info', 'warning', 'error'])

const diagnosticOf = (given: unknown): Diagnostic => {
  const { kind, details } = isObject(given) ? given : {}
  const level = LEVELS.has(kind) ? (kind as Diagnostic['level']) : 'other'
  return { kind: 'diagnostic', level, message: textOf(isObject(details) && details.message, 'no text') }
}

const batchOf = (uuid: unknown, data: Json): Incoming => {
  if (typeof uuid !== 'string' || uuid === '') return { kind: 'broken', why: 'a batch without a uuid' }
  const hasEnded = data.ended === true
  const items = data.data ?? null
  if (!hasEnded && !Array.isArray(items)) return { kind: 'broken', why: 'a batch without items' }
  // They would be lost: after an end marker nothing is read any more.
  if (hasEnded && items !== null) return { kind: 'broken', why: 'an end marker with items' }
  const hasError = Boolean(data.error)
  return { kind: 'batch', uuid, id: data.id as string, items: items as unknown[] | null, hasEnded, hasError }
}

const errorOf = (error: unknown): WireError | undefined => {
  if (error === null || error === undefined || error === false) return undefined
  const { code, message, details } = isObject(error) ? error : {}
  const step = isObject(details) && typeof details.step === 'string' ? details.step : undefined
  return { code: textOf(code, 'Error'), message: textOf(message, 'an error without a text'), step }
}

/**
 * What a frame of the server is, decided on its top-level shape alone: entities may be called anything (spec 13, item 4). Whatever
 * else a frame holds is left where it is, and is never part of a text made here.
 */
export const classify = (text: string, isOutstanding: (uuid: string) => boolean): Incoming => {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    // The parser's own message quotes the frame.
    return { kind: 'broken', why: 'a frame that is not JSON' }
  }
  if (!isObject(frame)) return { kind: 'ignored' }
  if ('diagnostic' in frame) return diagnosticOf(frame.diagnostic)
  const { uuid, data } = frame
  const isBatch =
    isObject(data) && data.type === 'transfer' && typeof data.id === 'string' && !('error' in frame)
  if (isBatch) return batchOf(uuid, data)
  if (!('data' in frame) && !('error' in frame)) return { kind: 'ignored' }
  if (typeof uuid !== 'string' || !isOutstanding(uuid)) return { kind: 'stray' }
  return { kind: 'answer', uuid, data: data ?? null, error: errorOf(frame.error) }
}
