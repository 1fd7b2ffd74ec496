import WebSocket, { type ClientOptions } from 'ws'

/** How many frames of data have left all {@link CountingSocket}s. */
export const frames = { sent: 0 }

/** Counts what leaves, so that a test can wait until all of it has arrived before it moves the clock. */
export class CountingSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[], options?: ClientOptions) {
    super(url, protocols, options)
    const send = super.send.bind(this)
    this.send = (...args: unknown[]) => {
      if (this.readyState === WebSocket.OPEN) frames.sent++
      Reflect.apply(send, this, args)
    }
  }
}
