/** The ways in which values come to the small adapter. */
export const WAYS = { ws: 'WebSocket', http: 'HTTP polling', sse: 'SSE' }

/** One case for each of them. */
export const eachWay = (make) => Object.entries(WAYS).map(([kind, name]) => ({ name, run: make(kind) }))
