import { setTimeout as pause } from 'node:timers/promises'
import { Connection } from '../load/connection'
import { type OwnProcess } from './own-process'

const PATIENCE_MS = 15_000

const accepts = (port: number): Promise<boolean> =>
  Connection.open(port).then(
    (connection) => (connection.close(), true),
    () => false,
  )

/** Waits until a process accepts connections. @throws Error when it ends, or does not within 15 s */
export const untilListening = async (owner: OwnProcess, port: number): Promise<void> => {
  const deadline = performance.now() + PATIENCE_MS
  const wait = async (): Promise<void> => {
    while (!(await accepts(port))) {
      if (performance.now() > deadline) throw new Error(`Nothing listens on port ${port}`)
      await pause(20)
    }
  }
  await Promise.race([wait(), owner.failure])
}
