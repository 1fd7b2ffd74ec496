import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** What became of the requests of all clients. */
export interface Tally {
  answered: number
  /** Answers that said that the connection ends. */
  saidClose: number
  /** Sent on a connection that was open, and neither answered nor told that it would not be. */
  lost: string[]
  /** Connections that nobody listened for any more. */
  refused: number
}

const RESPONSE = /^HTTP\/1\.1 (\d{3}) [^]*?\r\n\r\n/

/** Reads whole answers from the bytes of a connection. */
class Answers {
  private text = ''

  push(chunk: Buffer): { status: number; saysClose: boolean }[] {
    this.text += chunk.toString('latin1')
    const answers = []
    for (;;) {
      const head = RESPONSE.exec(this.text)
      if (head === null) return answers
      const length = Number(/content-length: (\d+)/i.exec(head[0])?.[1] ?? 0)
      if (this.text.length < head[0].length + length) return answers
      this.text = this.text.slice(head[0].length + length)
      answers.push({ status: Number(head[1]), saysClose: /^connection: close/im.test(head[0]) })
    }
  }
}

/**
 * Clients that are never idle: each has a connection, sends the next requests as soon as the last ones are answered, and a new connection
 * when it is told to end the old one, until nobody listens any more.
 */
export class BusyClients {
  readonly tally: Tally = { answered: 0, saidClose: 0, lost: [], refused: 0 }
  /** When every client has stopped. */
  readonly done: Promise<unknown>

  /** @param atOnce - how many requests a client has on the way */
  constructor(
    private readonly url: URL,
    count: number,
    private readonly bytes: string,
    private readonly atOnce = 1,
    private readonly onAnswer = (_answered: number) => {},
  ) {
    this.done = Promise.all(Array.from({ length: count }, () => this.client()))
  }

  private async client(): Promise<void> {
    while (await this.connection());
  }

  /** @returns whether another one makes sense */
  private connection(): Promise<boolean> {
    const { tally } = this
    return new Promise((resolve) => {
      const socket: Socket = connect({ host: this.url.hostname, port: Number(this.url.port), noDelay: true })
      const answers = new Answers()
      let waiting = 0
      let isOver = false
      let isOpen = false
      let failure = 'end'
      const send = (count: number) => {
        waiting += count
        socket.write(this.bytes.repeat(count))
      }
      socket.on('connect', () => {
        isOpen = true
        send(this.atOnce)
      })
      socket.on('data', (chunk) => {
        for (const { status, saysClose } of answers.push(chunk)) {
          waiting--
          tally.answered++
          if (status !== 200) tally.lost.push(`status ${status}`)
          this.onAnswer(tally.answered)
          if (saysClose) {
            tally.saidClose++
            isOver = true
          } else if (!isOver) send(1)
        }
        if (isOver) socket.end()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => (failure = error.code ?? error.message))
      socket.on('end', () => socket.end())
      socket.on('close', () => {
        if (isOpen && !isOver) tally.lost.push(`${failure}, ${waiting} waiting`)
        // An answer that says `close` is the last; those sent behind it were told so. One by one there are none.
        else if (isOver && this.atOnce === 1 && waiting > 0) tally.lost.push(`${waiting} behind the last`)
        if (!isOpen) tally.refused++
        resolve(isOpen)
      })
    })
  }
}

/** The bytes of a request as clients of oracle nodes send it. */
export const requestBytes = (path: string, body: object): string => {
  const text = JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`
}

/** A connection on which requests are sent one by one. */
export class KeptConnection {
  private readonly answers = new Answers()
  private settle = (_how: number | 'ended') => {}

  readonly ended: Promise<unknown>

  private constructor(private readonly socket: Socket) {
    this.ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('data', (chunk) => {
      for (const { status } of this.answers.push(chunk)) this.settle(status)
    })
    socket.on('error', () => {})
    socket.on('close', () => this.settle('ended'))
  }

  static async open(url: string): Promise<KeptConnection> {
    const { hostname: host, port } = new URL(url)
    const socket = connect({ host, port: Number(port) })
    await once(socket, 'connect')
    return new KeptConnection(socket)
  }

  /** @returns the status of the answer, or that the connection ended before it */
  ask(bytes: string): Promise<number | 'ended'> {
    return new Promise((resolve) => {
      this.settle = resolve
      this.socket.write(bytes)
    })
  }

  end(): void {
    this.socket.destroy()
  }
}
