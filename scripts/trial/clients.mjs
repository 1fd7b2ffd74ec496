/** Clients that use their connections as long as they are let: each sends its next request as soon as the last one is answered. */
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'

const HEAD_END = '\r\n\r\n'

/** What a request is as bytes. */
export const requestOf = (data, { path = '/' } = {}) => {
  const body = JSON.stringify({ data })
  return `POST ${path} HTTP/1.1\r\nhost: trial\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** One answer at the beginning of what has come; undefined while it is not there as a whole. */
const answerIn = (bytes) => {
  const headEnd = bytes.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  const head = bytes.toString('latin1', 0, headEnd)
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  const end = headEnd + HEAD_END.length + length
  if (bytes.length < end) return undefined
  return {
    status: Number(head.slice(9, 12)),
    saysClose: /^connection: *close/im.test(head),
    text: bytes.toString('utf8', headEnd + HEAD_END.length, end),
    rest: bytes.subarray(end),
  }
}

/** One connection that is kept. */
export class BusyClient {
  sent = 0
  answers = []
  /** Requests that were sent while the connection was open and not yet told to close, and to which there came no answer. */
  lost = 0
  wasToldToClose = false
  isClosed = false
  #bytes = Buffer.alloc(0)
  #request
  #isWaiting = false
  #isBusy
  #socket

  /**
   * @param request - the bytes
   * @param of.isBusy - otherwise it sends one request, and no more
   */
  constructor(port, request, { isBusy = true } = {}) {
    this.#request = request
    this.#isBusy = isBusy
    this.#socket = connect(port, '127.0.0.1', () => this.send())
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk) => this.#heard(chunk))
    this.#socket.on('error', () => {})
    this.#socket.on('end', () => this.#ended())
    this.#socket.on('close', () => this.#ended())
  }

  send(bytes = this.#request) {
    if (this.isClosed || this.wasToldToClose) return
    this.sent++
    this.#isWaiting = true
    this.#socket.write(bytes)
  }

  destroy() {
    this.isClosed = true
    this.#socket.destroy()
  }

  #ended() {
    if (this.isClosed) return
    this.isClosed = true
    if (this.#isWaiting) this.lost++
    this.#socket.end()
  }

  #heard(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const answer = answerIn(this.#bytes)
    if (answer === undefined) return
    this.#bytes = answer.rest
    this.#isWaiting = false
    this.answers.push(answer)
    this.wasToldToClose ||= answer.saysClose
    if (this.#isBusy) this.send()
  }
}
