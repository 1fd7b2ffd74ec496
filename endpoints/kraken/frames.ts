/** Prices are JSON numbers; a field without a value is 0 or absent. */
export interface TickerData {
  symbol: string
  bid: number
  ask: number
  last?: number
  /** RFC 3339, of the market's last change; absent before 2026, 1970 for a market that never traded. */
  timestamp?: string
}

export interface Ticker {
  channel: 'ticker'
  data: TickerData[]
}

export interface Status {
  channel: 'status'
  /** `connection_id` lies above 2^53 and is never used. */
  data: { system: string }[]
}

/** One for each symbol of a request. */
export interface Answer {
  method: 'subscribe' | 'unsubscribe'
  success: boolean
  req_id?: number
  result?: { symbol: string; warnings?: string[] }
  error?: string
  /** Of a refusal; absent where it concerns the whole request. */
  symbol?: string
}

/** Other channels are not asked for, and ignored, as are all frames of v1 (arrays, and objects with an `event`). */
export type KrakenMessage =
  | Ticker
  | Status
  | Answer
  | { channel: 'heartbeat' }
  | { method: 'pong'; req_id?: number }
  | { error: string }

/** What can be read of a list that should hold objects: one bad element never costs its neighbours. */
export const elementsOf = <T extends object>(data: T[] | undefined): T[] =>
  Array.isArray(data) ? data.filter((element) => typeof element === 'object' && element !== null) : []

/** `bbo`: on each change of the best bid or ask, for a fresh mid. An unsubscribe must repeat it. */
export const subscribeFrame = (symbol: string[], { id: req_id }: { id: number }) => ({
  method: 'subscribe',
  params: { channel: 'ticker', symbol, event_trigger: 'bbo', snapshot: true },
  req_id,
})

export const unsubscribeFrame = (symbol: string[], { id: req_id }: { id: number }) => ({
  method: 'unsubscribe',
  params: { channel: 'ticker', symbol, event_trigger: 'bbo' },
  req_id,
})

export const pingFrame = ({ id: req_id }: { id: number }) => ({ method: 'ping', req_id })
