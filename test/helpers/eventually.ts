/** The real ones, whatever clock a test installs: a wait for something real moves no fake time, and ends in real time. */
const { setTimeout: realSetTimeout } = globalThis
const realNow = performance.now.bind(performance)

/** Ends what hangs before the limit of the test does, so that the failure has a name. Says nothing of speed. */
export const GUARD_MS = 20_000

/** So patient that a client is answered by the value it waits for, however busy the machine. */
export const PATIENT = { CACHE_POLLING_MAX_RETRIES: '20', CACHE_POLLING_SLEEP_MS: '1000' }

/** How soon it is looked again. */
const PAUSE_MS = 5

const pause = () => new Promise((resolve) => realSetTimeout(resolve, PAUSE_MS))

/**
 * Resolves with what `check` returns once it no longer throws or rejects; for what nobody tells. Moves no fake clock.
 *
 * @throws what `check` threw last, after the guard time
 * @example
 * await eventually(() => expect(client.status).toBe('ready'))
 */
export const eventually = async <T>(check: () => T | Promise<T>): Promise<T> => {
  for (const end = realNow() + GUARD_MS; ; await pause()) {
    try {
      return await check()
    } catch (error) {
      if (realNow() > end) throw error
    }
  }
}
