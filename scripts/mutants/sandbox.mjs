/** A copy of the repository's files in which code can be changed and tests be run, so that nothing happens to the files themselves. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const listed = (root) =>
  execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((file) => file !== '' && existsSync(join(root, file)))

export class Sandbox {
  #child

  /** @param parent - the copy is made in a folder of its own below it */
  constructor(root, parent) {
    mkdirSync(parent, { recursive: true })
    const folder = (this.folder = mkdtempSync(join(parent, 'laws-')))
    for (const file of listed(root)) {
      const to = join(folder, file)
      mkdirSync(dirname(to), { recursive: true })
      copyFileSync(join(root, file), to)
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  }

  /** Changes a file for as long as the work takes. */
  async with(file, change, work) {
    const path = join(this.folder, file)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, change(text))
    try {
      return await work()
    } finally {
      writeFileSync(path, text)
    }
  }

  /** @returns vitest's report; undefined where the run had not ended after `ms` */
  async test(args, ms) {
    const report = join(this.folder, 'report.json')
    const vitest = join(this.folder, 'node_modules/vitest/vitest.mjs')
    rmSync(report, { force: true })
    // A group of its own, so that all processes that it starts end with it. It may take its time with what a mutant leaves open.
    const child = spawn(
      process.execPath,
      [vitest, 'run', '--no-cache', '--reporter=json', `--outputFile=${report}`, ...args],
      { cwd: this.folder, stdio: 'ignore', detached: true },
    )
    this.#child = child
    const timer = setTimeout(() => this.#kill(), ms)
    await once(child, 'close')
    clearTimeout(timer)
    this.#kill()
    return existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined
  }

  remove() {
    this.#kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #kill() {
    try {
      if (this.#child !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    this.#child = undefined
  }
}
