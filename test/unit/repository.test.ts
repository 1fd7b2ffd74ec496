import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { read, root } from '../helpers/repository'

/** Files under version control, and those that would be with the next `git add`. */
const trackedFiles = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)))

// In pieces, so that this file holds none of what it looks for.
const hosts = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['deb', 'debian', 'org'],
  ['security', 'debian', 'org'],
].map((parts) => parts.join('\\.'))
const folders = ['tmp/\\w', 'root/\\w', 'work/(main|shared|\\.library)', 'farm/'].map(
  (path) => `(?<![\\w.])/${path}`,
)

const forbidden = new RegExp([...hosts, ...folders].join('|'))

describe('tracked files', () => {
  it('name no package registry and no path of the machine they were written on', () => {
    const lines = trackedFiles.flatMap((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .flatMap((line, index) => (forbidden.test(line) ? [`${file}:${index + 1}`] : [])),
    )
    expect(lines).toEqual([])
  })

  it('would be caught naming one', () => {
    expect('https://' + ['registry', 'npmjs', 'org'].join('.')).toMatch(forbidden)
    expect(`cd ${['', 'work', 'main', 'src'].join('/')}`).toMatch(forbidden)
    expect(`open ${['', 'tmp', 'build', 'x'].join('/')}`).toMatch(forbidden)
    expect('tmpfs: /tmp').not.toMatch(forbidden)
    expect('https://example.com/network/main').not.toMatch(forbidden)
  })

  it('hold no secrets file', () => {
    expect(trackedFiles.filter((file) => /(^|\/)\.env$/.test(file))).toEqual([])
  })
})

describe('the lock file', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Record<string, unknown>> }

  it('does not say where packages were downloaded from', () => {
    expect(Object.entries(lock.packages).filter(([, entry]) => 'resolved' in entry)).toEqual([])
    expect(read('.npmrc').split('\n')).toContain('omit-lockfile-registry-resolved=true')
  })

  it('has the dependencies that package.json names', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, unknown>
    for (const field of ['name', 'version', 'dependencies', 'devDependencies', 'engines']) {
      expect(lock.packages['']?.[field], field).toEqual(manifest[field])
    }
  })
})

describe('.ci/run', () => {
  it('can be run, and stops at the first failure', () => {
    expect(() => accessSync(join(root, '.ci/run'), constants.X_OK)).not.toThrow()
    const lines = read('.ci/run').split('\n')
    expect(lines[0]).toBe('#!/usr/bin/env bash')
    expect(lines).toContain('set -euo pipefail')
  })
})
