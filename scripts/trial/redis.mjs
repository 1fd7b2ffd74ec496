/** A Redis of a case's own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../outside/service.mjs'
import { expected } from '../outside/waiting.mjs'

export class Redis {
  #child

  async start() {
    this.port = await freePort()
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    this.#child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    this.#child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    const failed = once(this.#child, 'error').then(([error]) => error.message)
    const isReady = () => expected('Redis', 10_000, () => output.includes('Ready to accept connections'))
    const error = await Promise.race([failed, isReady().then(() => undefined)])
    if (error !== undefined) throw new Error(`redis-server does not start: ${error}`)
  }

  signal(name) {
    this.#child.kill(name)
  }

  stop() {
    this.#child?.kill('SIGKILL')
  }
}
