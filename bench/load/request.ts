/** A POST to the root, as the HTTP client of an oracle node writes it. */
export const requestFor = (base: string): Buffer => {
  const body = JSON.stringify({ data: { base, quote: 'USD' } })
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
