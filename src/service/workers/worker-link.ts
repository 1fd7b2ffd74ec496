import { type Socket } from 'node:net'
import { errorOf } from '../../util/objects'
import { Backlog, type Source } from './backlog'
import { encodeFrame, FrameReader } from './frames'
import { type FromWorker, fromWorker, type FromWriter } from './messages'

/** The writer's end of the connection to one worker. When the worker is too slow, changes wait as keys and not as bytes. */
export class WorkerLink {
  private readonly reader = new FrameReader()
  private readonly backlog: Backlog
  private isBlocked = false
  private isSynchronised = false
  private isClosed = false

  constructor(
    private readonly socket: Socket,
    sources: Iterable<Source>,
    private readonly on: {
      message: (message: FromWorker, link: WorkerLink) => void
      closed: (link: WorkerLink, error: Error | undefined) => void
    },
    session: string,
  ) {
    this.backlog = new Backlog(sources)
    socket.on('data', (chunk) => this.receive(chunk))
    socket.on('drain', () => {
      this.isBlocked = false
      this.pump()
    })
    let failure: Error | undefined
    socket.on('error', (error) => (failure = error))
    socket.on('close', () => {
      this.isClosed = true
      on.closed(this, failure)
    })
    this.send({ type: 'hello', session })
    this.pump()
  }

  /** A key has changed. The next {@link pump} sends it. */
  add(source: Source, key: string): void {
    if (this.backlog.add(source, key)) return
    // So many keys wait for this slow worker that it is better to begin again on a new connection.
    this.socket.destroy(new Error('the worker is too slow'))
  }

  /** Sends what the worker does not know yet, until its socket is full. */
  pump(): void {
    while (!this.isBlocked && !this.isClosed) {
      const batch = this.backlog.take()
      if (batch === undefined) break
      this.send({ type: 'entries', ...batch })
    }
    if (this.isSynchronised || !this.backlog.isEmpty || this.isClosed) return
    this.isSynchronised = true
    this.send({ type: 'synchronised' })
  }

  /** Sends an answer, unless the socket is full or closed. */
  answer(message: FromWriter): void {
    if (!this.isBlocked && !this.isClosed) this.send(message)
  }

  close(): void {
    this.socket.destroy()
  }

  private send(message: FromWriter): void {
    if (!this.socket.write(encodeFrame(message))) this.isBlocked = true
  }

  private receive(chunk: Buffer): void {
    try {
      for (const received of this.reader.push(chunk)) {
        const message = fromWorker(received)
        if (message === undefined) throw new Error('A worker sent something unknown')
        this.on.message(message, this)
      }
    } catch (error) {
      this.socket.destroy(errorOf(error))
    }
  }
}
