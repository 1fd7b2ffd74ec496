/** What Bitfinex sends, as a fake provider writes it. */
export const subscribed = (symbol: string, chanId: number) => ({
  event: 'subscribed',
  channel: 'ticker',
  chanId,
  symbol,
  pair: symbol.slice(1),
})

export const refused = (symbol: string, code: number, msg: string, rest: object = {}) => ({
  channel: 'ticker',
  symbol,
  event: 'error',
  msg,
  code,
  pair: symbol.slice(1),
  ...rest,
})

/** As sent in 2026: with a null after the last number, and the time that the `conf` frame asks for. */
export const ticker = (chanId: number, last: number, time = Date.now()) => [
  chanId,
  [last - 0.25, 1, last + 0.25, 1, 5, 0.01, last, 900, 2000, 1700, null],
  time,
]
