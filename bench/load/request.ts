const requestOf = (body: string): Buffer => {
  const head = [
    'POST / HTTP/1.1',
    'Host: 127.0.0.1',
    'User-Agent: Go-http-client/1.1',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/json',
    'Accept-Encoding: gzip',
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** A POST to the root, as the HTTP client of an oracle node writes it, with nothing but the feed in its body. */
export const requestFor = (base: string): Buffer =>
  requestOf(JSON.stringify({ data: { base, quote: 'USD' } }))

/**
 * The same with what a node puts around it: the id of its run, and the last answer of the chain, members in the order of the alphabet.
 * Hardly two of them are alike.
 */
export const nodeRequestFor = (base: string, run: number): Buffer => {
  const id = `${(run * 2_654_435_761) % 4_294_967_296}-${run}`
  const meta = { latestAnswer: 100_000_000_000 + ((run * 7_919) % 1_000_000), updatedAt: 1_700_000_000 + run }
  return requestOf(JSON.stringify({ data: { base, quote: 'USD' }, id, meta }))
}
