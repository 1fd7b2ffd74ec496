import { type ServerResponse } from 'node:http'
import { type ProviderRequest } from './provider-request'

/** An event of a stream. Without a type it is a `message`; an object as data is sent as JSON. */
export interface StreamEvent {
  type?: string
  data: object | string
  id?: string
}

/** A stream of server-sent events, seen from the provider's side. */
export interface EventStream {
  /** 0 for the first stream. */
  readonly index: number
  /** What it was asked for with; `last-event-id` is among the headers. */
  readonly request: ProviderRequest
  /** False once either side has ended it. */
  readonly isOpen: boolean
  /** Resolves when it has ended, whoever ended it. */
  readonly closed: Promise<void>
  send(event: StreamEvent): void
  /** A line that is no event, as providers send to keep a stream open. */
  comment(text?: string): void
  /** These bytes as they are: garbage, or a half of an event. */
  sendBytes(bytes: Buffer | string): void
  /** Ends it as HTTP does. */
  end(): void
  /** Resets its connection in the middle. */
  destroy(): void
}

/** @internal A stream as an HTTP provider makes it. */
export class LoopbackStream implements EventStream {
  readonly closed: Promise<void>

  constructor(
    readonly index: number,
    readonly request: ProviderRequest,
    private readonly response: ServerResponse,
  ) {
    this.closed = new Promise((resolve) => response.once('close', resolve))
  }

  get isOpen(): boolean {
    return !this.response.closed && !this.response.writableEnded
  }

  send({ type, data, id }: StreamEvent): void {
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    const lines = [
      ...(type === undefined ? [] : [`event: ${type}`]),
      ...(id === undefined ? [] : [`id: ${id}`]),
      ...text.split('\n').map((line) => `data: ${line}`),
    ]
    this.sendBytes(`${lines.join('\n')}\n\n`)
  }

  comment(text = ''): void {
    this.sendBytes(`:${text}\n\n`)
  }

  sendBytes(bytes: Buffer | string): void {
    if (this.isOpen) this.response.write(bytes)
  }

  end(): void {
    this.response.end()
  }

  destroy(): void {
    this.response.socket?.resetAndDestroy()
  }
}
