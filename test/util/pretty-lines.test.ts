import { Writable } from 'node:stream'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { prettyStream, prettyText } from '../../src/util/pretty-lines'

describe('a line for people', () => {
  it('names the layer, the adapter and its endpoint before the text', () => {
    const line = { layer: 'Link', adapter: 'ACME', endpoint: 'price', msg: 'closed' }
    expect(prettyText(line, false)).toBe('[Link] acme/price: closed')
    expect(prettyText({ ...line, endpoint: undefined }, false)).toBe('[Link] acme: closed')
    expect(prettyText({ layer: 'Service', msg: 'Listening' }, false)).toBe('[Service] Listening')
  })

  it('has colours on a terminal alone', () => {
    const line = { layer: 'Link', color: '\u001b[36m', correlationId: 'id', msg: 'closed' }
    expect(prettyText(line, false)).toBe('[Link] (id) closed')
    expect(prettyText(line, true)).toBe('\u001b[36m[Link]\u001b[0m (id) closed')
  })

  it('is one line, with its fields behind the text', () => {
    let text = ''
    const destination = new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk)
        done()
      },
    })
    const fields = { layer: 'Link', adapter: 'ACME', code: 'REFUSED', lastedMs: 5 }
    pino({}, prettyStream(destination)).warn(fields, 'closed')
    expect(text).toMatch(/^WARN \[[-0-9:. ]+\]: \[Link\] acme: closed \{"code":"REFUSED","lastedMs":5\}\n$/)
  })
})
