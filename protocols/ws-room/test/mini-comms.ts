import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Starts the room server of the protocol's own authors, in a process of its own. */
export const miniComms = async () => {
  const child = spawn(process.execPath, [join(__dirname, 'mini-comms-process.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const [port] = (await Promise.race([once(child.stdout, 'data'), gone.then(() => ['nothing'])])) as [
    Buffer | string,
  ]
  const host = `127.0.0.1:${String(port).trim()}`
  const stop = async () => {
    child.kill('SIGKILL')
    await gone
  }
  return {
    url: (room: string) => `ws://${host}/rooms/${room}`,
    connectionString: (room: string) => `ws-room:ws://${host}/rooms/${room}`,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
