/** What the HTTP client of an oracle node says of each request, but for its length. */
export const NODE_HEADERS = {
  'User-Agent': 'Go-http-client/1.1',
  'Content-Type': 'application/json',
  'Accept-Encoding': 'gzip',
}

/** The body of a request with nothing but the feed. */
export const bodyFor = (base: string): string => JSON.stringify({ data: { base, quote: 'USD' } })

/** Goes on for as long as the bench runs, so that no body comes twice. */
let run = 0

/**
 * The same with what a node puts around it: the id of its run, and the last answer of the chain, members in the order of the alphabet.
 * Hardly two of them are alike.
 */
export const nodeBodyFor = (base: string): string => {
  run++
  const id = `${(run * 2_654_435_761) % 4_294_967_296}-${run}`
  const meta = { latestAnswer: 100_000_000_000 + ((run * 7_919) % 1_000_000), updatedAt: 1_700_000_000 + run }
  return JSON.stringify({ data: { base, quote: 'USD' }, id, meta })
}

const headOf = (bodyBytes: number): string =>
  [
    'POST / HTTP/1.1',
    'Host: 127.0.0.1',
    ...Object.entries(NODE_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${bodyBytes}`,
  ].join('\r\n')

const requestOf = (body: string): Buffer => Buffer.from(`${headOf(Buffer.byteLength(body))}\r\n\r\n${body}`)

/** A POST to the root with nothing but the feed in its body. */
export const requestFor = (base: string): Buffer => requestOf(bodyFor(base))

/** A POST to the root as an oracle node writes it. */
export const nodeRequestFor = (base: string): Buffer => requestOf(nodeBodyFor(base))
