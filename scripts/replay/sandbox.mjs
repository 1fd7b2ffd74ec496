/** A place for somebody who has nothing but a checkout: a fresh folder, a fresh home, and no variables but `PATH`. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const PATIENCE_MS = 240_000

/** What somebody would get who clones the tree as it is now. */
const filesOfCheckout = () => {
  const { stdout, status } = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error('replay: git does not list the files of the checkout')
  return stdout.split('\0').filter((file) => file !== '' && file !== 'node_modules')
}

const npm = spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim()
/** `npm ci` would fetch what is installed here already, so it links that. All else of npm is npm. */
const npmShim = `#!/bin/sh
if [ "$1" = ci ]; then rm -rf node_modules; exec ln -s '${join(root, 'node_modules')}' node_modules; fi
exec '${npm}' "$@"
`

/** A program that has been started; whoever waits for it waits `PATIENCE_MS` at most. */
class Program {
  constructor(child, command) {
    this.child = child
    this.command = command
    this.said = ''
    this.seek = () => {}
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        this.said += text
        this.seek()
      })
    this.closed = once(child, 'close').then(([code]) => code)
  }

  signal(name) {
    try {
      process.kill(-this.child.pid, name)
    } catch {
      // It has ended by itself.
    }
  }

  /** What takes too long ends it, and has failed. */
  async inTime(work) {
    let timer
    const late = new Promise((_done, fail) => {
      timer = setTimeout(() => {
        this.signal('SIGKILL')
        fail(new Error(`${this.command} took too long:\n${this.said}`))
      }, PATIENCE_MS)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The first match in what it says. */
  says(pattern) {
    const match = new Promise((done) => {
      this.seek = () => {
        const found = pattern.exec(this.said)
        if (found !== null) done(found)
      }
      this.seek()
    })
    const ended = this.closed.then((code) => {
      throw new Error(`${this.command} ended with ${code}, without ${pattern}:\n${this.said}`)
    })
    return this.inTime(Promise.race([match, ended]))
  }

  /** As with Ctrl-C on a terminal: all processes of the command get it. Resolves when none of them is left. */
  interrupt() {
    this.signal('SIGINT')
    return this.inTime(this.closed)
  }
}

export class Sandbox {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'replay-'))
    this.home = join(this.folder, 'home')
    this.bin = join(this.folder, 'bin')
    for (const folder of [this.home, this.bin]) mkdirSync(folder)
    writeFileSync(join(this.bin, 'npm'), npmShim)
    chmodSync(join(this.bin, 'npm'), 0o755)
    this.running = []
    process.once('exit', () => this.end())
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))
  }

  /** A checkout in a folder of its own, nothing of it built. */
  checkout(name) {
    const folder = join(this.folder, name)
    for (const file of filesOfCheckout()) cpSync(join(root, file), join(folder, file))
    return folder
  }

  start(command, cwd, variables = {}) {
    const env = { PATH: `${this.bin}:${process.env.PATH}`, HOME: this.home, ...variables }
    const child = spawn('sh', ['-c', command], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const program = new Program(child, command)
    this.running.push(program)
    return program
  }

  /** What a command prints, which has to end with 0. */
  async run(command, cwd, variables = {}) {
    const program = this.start(command, cwd, variables)
    const code = await program.inTime(program.closed)
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${program.said}`)
    return program.said
  }

  end() {
    for (const program of this.running) program.signal('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return String(port)
}
