/** The wall clock of the processes of one trial, moved from outside: the other end of `clock.cjs`. */
import { Buffer } from 'node:buffer'
import { closeSync, openSync, writeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pause } from '../outside/waiting.mjs'

const MODULE = fileURLToPath(new URL('clock.cjs', import.meta.url))
/** Longer than the processes take to see a change. */
const SEEN_AFTER_MS = 50

export class WallClock {
  #file
  #bytes = Buffer.alloc(16)

  /** @param path - of the file that the processes look at; it is made */
  constructor(path) {
    this.path = path
    this.#file = openSync(path, 'w')
    this.#write()
  }

  /** What a process needs in its environment to go by this clock. */
  get env() {
    return { NODE_OPTIONS: `--require=${JSON.stringify(MODULE)}`, TRIAL_CLOCK: this.path }
  }

  /** Sets the clock, forwards or back, and resolves when every process goes by it. */
  async step(byMs) {
    this.#bytes.writeDoubleLE(this.#bytes.readDoubleLE(0) + byMs, 0)
    this.#write()
    await pause(SEEN_AFTER_MS)
  }

  /**
   * The machine sleeps: its processes stand still, and when they go on the wall clock is ahead by as much, the monotonic one not.
   *
   * @param sleepers - what has `freeze` and `thaw`
   */
  async sleep(forMs, sleepers) {
    for (const each of sleepers) each.freeze()
    await pause(SEEN_AFTER_MS)
    this.#bytes.writeDoubleLE(this.#bytes.readDoubleLE(8) + forMs, 8)
    this.#write()
    for (const each of sleepers) each.thaw()
  }

  close() {
    closeSync(this.#file)
  }

  #write() {
    writeSync(this.#file, this.#bytes, 0, 16, 0)
  }
}
