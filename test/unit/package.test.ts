import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, posix, relative, sep } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { protocolPaths, publicFiles } from '../helpers/public-files'
import { filesBelow, read, root } from '../helpers/repository'

const out = mkdtempSync(join(tmpdir(), 'tickwell-package-'))
const folder = join(out, 'package')
const source = JSON.parse(read('package.json')) as Record<string, unknown>
/** What the build makes of many modules. */
const bundled = ['lib/bundle.js', 'lib/core.js', 'lib/fastify.js']
let files: string[] = []
let manifest: Record<string, unknown> = {}

const text = (file: string) => readFileSync(join(folder, file), 'utf8')
const isModule = (file: string) => /\.(js|d\.ts)$/.test(file)
const missing = (wanted: string[]) => wanted.filter((file) => !files.includes(file))
/** Loads from the package as code that was installed beside it would. */
const run = (code: string) =>
  execFileSync(process.execPath, ['-e', code], { cwd: folder, encoding: 'utf8' }).trim()

/** How many files of fastify's own folder a start loads. */
const loadedOfFastify = `
  require('./index')
  console.log(Object.keys(require.cache).filter((file) => /node_modules.fastify./.test(file)).length)
`

beforeAll(() => {
  const build = [join(root, 'scripts/build.mjs'), '--no-check', '--out', out]
  symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
  execFileSync(process.execPath, build, { stdio: 'pipe' })
  files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  manifest = JSON.parse(text('package.json')) as Record<string, unknown>
}, 240_000)

afterAll(() => rmSync(out, { recursive: true, force: true }))

describe('the package', () => {
  it('resolves to its main file, which has types', () => {
    const resolve = createRequire(join(out, 'consumer.js')).resolve
    expect(relative(folder, resolve(folder))).toBe('index.js')
    expect(files).toContain(manifest['types'])
  })

  it('names what its users need, and nothing of how it is made', () => {
    const { name, version, description, license, type, engines, dependencies, optionalDependencies } = source
    const { peerDependencies, peerDependenciesMeta } = source
    expect(manifest).toEqual({
      ...{ name, version, description, license, type, engines, dependencies, optionalDependencies },
      ...{ peerDependencies, peerDependenciesMeta },
      ...{ main: 'index.js', types: 'index.d.ts', bin: { tickwell: 'lib/cli/main.js' } },
      exports: expect.objectContaining({ '.': './index.js', './adapter': './adapter/index.js' }),
    })
  })

  it('has its documents', () => {
    expect(missing(['README.md', 'LICENSE', 'CHANGELOG.md'])).toEqual([])
  })

  it('has every public file at the path that the contract gives it', () => {
    const wanted = [...publicFiles, ...protocolPaths]
    expect(missing(wanted.map((file) => file.replace(/\.ts$/, '.js')))).toEqual([])
  })

  it('has declarations beside each module, and no tests or sources', () => {
    const modules = files.filter(
      (file) => /(?<!\.d)\.(js|ts)$/.test(file) && !/(^|\/)assets\//.test(file) && !bundled.includes(file),
    )
    expect(modules.filter((file) => !files.includes(file.replace(/\.js$/, '.d.ts')))).toEqual([])
    expect(
      files.filter((file) => /(^|\/)(test|tests|bench|scripts|node_modules)\/|\.test\./.test(file)),
    ).toEqual([])
  })

  it('has the files of src/ and endpoints/ that are not compiled', () => {
    const assets = [...filesBelow('src', /\.(json|html|css|mjs|svg)$/), ...filesBelow('endpoints', /\.json$/)]
    const placed = assets.map((file) => file.replace(/^src\/public\//, '').replace(/^src\//, 'lib/'))
    expect(missing(placed)).toEqual([])
  })

  it('finds every file that it imports', () => {
    const ends = ['', '.js', '.d.ts', '/index.js', '/index.d.ts']
    const broken = files.filter(isModule).flatMap((file) =>
      [...text(file).matchAll(/(?:from |require\(|import\()["'](\.[^"']*)["']/g)]
        .map(([, specifier]) => posix.join(posix.dirname(file), specifier ?? ''))
        .filter((path) => !ends.some((end) => files.includes(posix.join(path + end))))
        .map((path) => `${file}: ${path}`),
    )
    expect(broken).toEqual([])
  })

  it('has no word of a package registry', () => {
    const hosts = ['registry.' + 'npmjs.org', 'registry.' + 'yarnpkg.com']
    expect(files.filter((file) => hosts.some((host) => text(file).includes(host)))).toEqual([])
  })

  it('loads by plain require, deep paths included', () => {
    expect(run(`console.log(typeof require('./index').expose, typeof require('./adapter').Adapter)`)).toBe(
      'function function',
    )
  })

  it('shows `import` every name that `require` finds', () => {
    const modules = [...publicFiles].filter((file) => file.endsWith('.ts'))
    const paths = modules.map((file) => `./${file.replace(/\.ts$/, '.js')}`)
    const hidden = run(`
      const lacking = async (path) => {
        const imported = await import(path)
        return Object.keys(require(path)).filter((name) => !(name in imported)).map((name) => path + ': ' + name)
      }
      Promise.all(${JSON.stringify(paths)}.map(lacking)).then((all) => console.log(all.flat().join()))
    `)
    expect(hidden).toBe('')
  })

  it('has each of its modules once, whatever path leads to it', () => {
    const same = run(`
      const { Adapter, WebSocketTransport } = { ...require('./adapter'), ...require('./transports') }
      const deep = { ...require('./lib/adapter/adapter'), ...require('./lib/transports/websocket/websocket-transport') }
      const { startAdapter } = require('./lib/service/started-adapter')
      console.log(deep.Adapter === Adapter, deep.WebSocketTransport === WebSocketTransport, typeof startAdapter)
    `)
    expect(same).toBe('true true function')
  })

  it('keeps the names of its classes', () => {
    const named = run(`
      const named = { ...require('./adapter'), ...require('./transports'), ...require('./cache'), ...require('./config') }
      const isClass = (value) => typeof value === 'function' && /^class\\b/.test(String(value))
      console.log(Object.entries(named).filter(([name, value]) => isClass(value) && value.name !== name).join())
    `)
    expect(named).toBe('')
  })

  it.each([
    ['bundle', '"The transport has stopped"'],
    ['fastify', '"Fastify is already listening"'],
  ])('has its %s compiled, for its own text alone', (name, words) => {
    const isCompiled = `
      require('./index')
      const { compiled } = require.cache[require.resolve('./lib/core.js')]
      console.log(compiled.${name}.script.cachedDataRejected)
    `
    expect(run(isCompiled)).toBe('false')
    const core = join(folder, `lib/${name}.js`)
    const before = readFileSync(core)
    onTestFinished(() => writeFileSync(core, before))
    // Another text of the same length, as somebody may write it in the night.
    const changed = before.toString().replace(words, words.toUpperCase())
    expect([changed.length, changed === before.toString()]).toEqual([before.toString().length, false])
    writeFileSync(core, changed)
    expect(run(isCompiled)).toBe('undefined')
  })

  it('loads fastify from one file, of the versions that the lock has', () => {
    const { inOneFile } = JSON.parse(text('lib/packages.json')) as { inOneFile: [string, string][] }
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { version: string } | undefined>
    }
    const locked = inOneFile.map(([path]) => packages[posix.join('node_modules/fastify', path)]?.version)
    expect(inOneFile.map(([, version]) => version)).toEqual(locked)
    expect(inOneFile.map(([path]) => path)).toEqual(
      expect.arrayContaining(['', '../find-my-way', '../avvio']),
    )
    expect(run(loadedOfFastify)).toBe('0')
  })

  it.each([
    ['another version of what fastify needs', '../find-my-way'],
    ['another fastify', ''],
  ])('loads what is installed where that is %s', (_what, path) => {
    const file = join(folder, 'lib/packages.json')
    const before = readFileSync(file)
    onTestFinished(() => writeFileSync(file, before))
    const packages = JSON.parse(before.toString()) as { inOneFile: [string, string][] }
    const inOneFile = packages.inOneFile.map(([at, version]) => [at, at === path ? '0.0.1' : version])
    writeFileSync(file, JSON.stringify({ ...packages, inOneFile }))
    expect(Number(run(loadedOfFastify))).toBeGreaterThan(20)
  })

  it('has the licences of what it brings along', () => {
    const { inOneFile } = JSON.parse(text('lib/packages.json')) as { inOneFile: [string, string][] }
    const comment = text('lib/fastify.js').split('*/\n')[0] ?? ''
    const named = inOneFile.map(([path]) => path.split('../').at(-1) || 'fastify')
    expect(named.filter((name) => !comment.includes(`\n${name}: `))).toEqual([])
    const granted = comment.match(
      /permission is hereby granted|permission to use, copy|redistribution and use/gi,
    )
    // One of them names its licence, and does not bring its text.
    expect(granted?.length).toBeGreaterThanOrEqual(named.length - 1)
  })

  it('is loaded from few files', () => {
    const loaded = run(`
      for (const path of ['./index', './adapter', './config', './transports', './validation']) require(path)
      const isOurs = (file) => file.startsWith(process.cwd()) && !file.includes('node_modules')
      console.log(Object.keys(require.cache).filter(isOurs).length)
    `)
    expect(Number(loaded)).toBeLessThan(10)
  })

  it('is what its own endpoints are written against', () => {
    const adapters = files.filter((file) =>
      /^(endpoints|protocols\/[\w-]+\/adapters)\/([\w-]+\/index|[\w-]+)\.js$/.test(file),
    )
    const strangers = run(`
      const { Adapter } = require('./adapter')
      const isStranger = ({ adapter }) => adapter !== undefined && !(adapter instanceof Adapter)
      console.log(${JSON.stringify(adapters)}.filter((file) => isStranger(require('./' + file))).join())
    `)
    expect(strangers).toBe('')
  })

  it('has a binary that a shell can start', () => {
    expect(text('lib/cli/main.js').split('\n')[0]).toBe('#!/usr/bin/env node')
    const bin = source['bin'] as Record<string, string>
    expect(bin).toEqual({ tickwell: 'dist/package/lib/cli/main.js' })
  })

  it('checks settings with it', () => {
    const env = { PATH: process.env['PATH'], KRAKEN_CACHE_MAX_AGE: '5', CACHE_MAXAGE: '1' }
    const { status, stdout } = spawnSync(join(folder, 'lib/cli/main.js'), ['check', '--json'], {
      env,
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      problems: ['KRAKEN_CACHE_MAX_AGE: Minimum allowed value is 1000. Received 5'],
      warnings: [expect.stringContaining('CACHE_MAXAGE')],
    })
  })
})
