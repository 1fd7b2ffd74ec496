import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Answer, BadAnswer, readAnswer } from './answer'

/** A target that says nothing for so long will not any more. */
const PATIENCE_MS = 30_000

/** A connection that is kept, with one request under way at most. */
export class Connection {
  /** Which of the requests is under way, and since when (`performance.now()`). For who sent it. */
  index = 0
  startedAt = 0
  private received = ''
  private isClosing = false
  private onAnswer: (answer: Answer) => void = () => {}
  private onFailure: (error: Error) => void = () => {}

  private constructor(
    private readonly socket: Socket,
    patienceMs: number,
  ) {
    socket.setNoDelay(true)
    socket.setTimeout(patienceMs, () => this.fail(new BadAnswer(`No answer within ${patienceMs} ms`)))
    socket.on('data', (chunk: Buffer) => this.take(chunk))
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => this.fail(new BadAnswer('The connection was closed')))
  }

  static async open(port: number, patienceMs = PATIENCE_MS): Promise<Connection> {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    return new Connection(socket, patienceMs)
  }

  static openAll(port: number, count: number): Promise<Connection[]> {
    return Promise.all(Array.from({ length: count }, () => Connection.open(port)))
  }

  listen(onAnswer: (answer: Answer) => void, onFailure: (error: Error) => void): void {
    this.onAnswer = onAnswer
    this.onFailure = onFailure
  }

  send(request: Buffer): void {
    this.socket.write(request)
  }

  /** One request and its answer. @throws BadAnswer when none comes */
  ask(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.listen(resolve, reject)
      this.send(request)
    })
  }

  close(): void {
    this.isClosing = true
    this.socket.destroy()
  }

  private take(chunk: Buffer): void {
    const text = chunk.toString('latin1')
    this.received = this.received === '' ? text : this.received + text
    let answer: Answer | undefined
    try {
      answer = readAnswer(this.received)
    } catch (error) {
      return this.fail(error as Error)
    }
    if (answer === undefined) return
    this.received = ''
    this.onAnswer(answer)
  }

  private fail(error: Error): void {
    if (this.isClosing) return
    this.close()
    this.onFailure(error)
  }
}
