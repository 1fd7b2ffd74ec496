/**
 * Compiles src/, endpoints/ and protocols/ and lays out the package that is published: src/public/ is its root, the rest of src/ its lib/,
 * endpoints/ and protocols/ lie beside them. Builds what has changed since the last time, and nothing at all when nothing has.
 * `--out <dir>` builds elsewhere than in dist/, `--no-check` leaves finding type errors to the type check.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle, BUNDLED, compileCore } from './bundle.mjs'
import { relocate } from './relocate.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const shebang = '#!/usr/bin/env node'
const BINARY = 'lib/cli/main.js'
const SOURCES = ['src', 'endpoints', 'protocols']
const FACES = 'src/public'
const LAZY_BARRELS = ['protocols/tremor/codecs/without-prices.js']
const DOCUMENTS = ['README.md', 'LICENSE', 'CHANGELOG.md']
const isTest = (file) => /^protocols\/[^/]+\/test\//.test(file)
const isSource = (file) => /\.[cm]?tsx?$/.test(file) && !/\.d\.[cm]?ts$/.test(file)

class BuildError extends Error {}

const filesBelow = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : []

/** Paths from the root, with slashes. */
const sourceFiles = () =>
  SOURCES.flatMap((room) => filesBelow(join(root, room)))
    .map((file) => relative(root, file).split(sep).join('/'))
    .filter((file) => !isTest(file))

const compiled = (file) => file.replace(/\.ts$/, '.js')

/** Changes with everything that the package is made of and by, the compiler's version included. */
function fingerprint(options) {
  const sum = createHash('sha256').update(JSON.stringify([options, process.version]))
  const makers = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', ...DOCUMENTS]
  const scripts = filesBelow(join(root, 'scripts')).map((file) => relative(root, file))
  for (const file of [...sourceFiles(), ...scripts.sort(), ...makers].filter((one) =>
    existsSync(join(root, one)),
  ))
    sum.update(`${file}\0`).update(readFileSync(join(root, file)))
  return sum.digest('hex')
}

/** Compiles what has changed; what earlier builds left of files that are no more is removed. */
function compile(buildDir, options) {
  const memory = `${buildDir}.tsbuildinfo`
  // The compiler does not look whether what it once wrote is still there.
  if (
    !sourceFiles()
      .filter(isSource)
      .every((file) => existsSync(join(buildDir, compiled(file))))
  )
    rmSync(memory, { force: true })
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const incremental = ['--incremental', '--tsBuildInfoFile', memory]
  const args = [
    tsc,
    '-p',
    join(root, 'tsconfig.build.json'),
    '--outDir',
    buildDir,
    ...incremental,
    ...options,
  ]
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (error) throw new BuildError(`the compiler could not be started: ${error.message}`)
  if (status !== 0) throw new BuildError('the compiler reported the errors above')
  const stems = new Set(sourceFiles().map((file) => file.replace(/(\.d)?\.[cm]?tsx?$/, '')))
  for (const file of filesBelow(buildDir)) {
    const path = relative(buildDir, file).split(sep).join('/')
    if (!stems.has(path.replace(/(\.d\.ts|\.js)$/, '')) && !existsSync(join(root, path))) rmSync(file)
  }
}

/** What tsc leaves behind: JSON that nothing imports, pages and browser scripts, hand-written declarations. */
function copyAssets(buildDir) {
  for (const file of sourceFiles()) if (!isSource(file)) cpSync(join(root, file), join(buildDir, file))
}

/** Where a compiled file lies in the package. */
function packagePath(buildPath) {
  if (buildPath === FACES) return '.'
  return buildPath.replace(`${FACES}/`, '').replace(/^src(?=\/|$)/, 'lib')
}

function assemble(buildDir, packageDir) {
  rmSync(packageDir, { recursive: true, force: true })
  const files = filesBelow(buildDir).map((file) => relative(buildDir, file).split(sep).join('/'))
  const taken = new Map()
  for (const file of files) {
    const target = packagePath(file)
    if (taken.has(target))
      throw new BuildError(`${file} and ${taken.get(target)} would both become ${target}`)
    taken.set(target, file)
  }
  for (const [target, file] of taken) {
    const from = join(buildDir, file)
    const to = join(packageDir, target)
    mkdirSync(dirname(to), { recursive: true })
    if (!/\.(js|d\.ts)$/.test(file)) cpSync(from, to)
    else writeFileSync(to, relocate(readFileSync(from, 'utf8'), file, packagePath))
  }
}

/** Each protocol has a public subpath among the transports, as if it were one of them. */
function addProtocolPaths(packageDir) {
  for (const name of readdirSync(join(packageDir, 'protocols'))) {
    const folder = join(packageDir, 'transports', name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'index.js'),
      `"use strict";\nmodule.exports = require("../../protocols/${name}");\n`,
    )
    writeFileSync(join(folder, 'index.d.ts'), `export * from "../../protocols/${name}";\n`)
  }
}

/** The names that a compiled module exports, read from its text: to run it would take packages, which a build elsewhere does not find. */
function namesExportedBy(file) {
  const text = readFileSync(file, 'utf8')
  const own = [...text.matchAll(/\bexports\.(\w+) =|defineProperty\(exports, "(\w+)"/g)].map(
    (found) => found[1] ?? found[2],
  )
  const passedOn = [...text.matchAll(/__exportStar\(require\("(\.[^"]+)"\)/g)]
  const all = passedOn.flatMap(([, source]) => namesExportedBy(createRequire(file).resolve(source)))
  return [...new Set([...own, ...all])].filter((name) => name !== '__esModule')
}

/**
 * Barrels that are imported whole for one name: their modules are loaded when a name is first asked for. Each export has the form by which `import` finds names.
 */
function makeLazy(packageDir, barrel) {
  const path = join(packageDir, barrel)
  const sources = [...readFileSync(path, 'utf8').matchAll(/require\("(\.[^"]+)"\)/g)].map(
    ([, source]) => source,
  )
  const sourceOf = new Map()
  for (const source of sources)
    for (const name of namesExportedBy(createRequire(path).resolve(source)))
      if (!sourceOf.has(name)) sourceOf.set(name, source)
  const names = namesExportedBy(path)
  const lines = [
    '"use strict";',
    'Object.defineProperty(exports, "__esModule", { value: true });',
    'const lazy = {',
    ...names.map((name) => `    get ${name}() { return require("${sourceOf.get(name)}").${name}; },`),
    '};',
    ...names.map(
      (name) =>
        `Object.defineProperty(exports, "${name}", { enumerable: true, get: function () { return lazy.${name}; } });`,
    ),
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
}

function checkRelativeImports(packageDir) {
  const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true
  const isThere = (path) => ['', '.js', '.d.ts', '/index.js', '/index.d.ts'].some((end) => isFile(path + end))
  const broken = []
  for (const file of filesBelow(packageDir).filter((name) => /\.(js|d\.ts)$/.test(name))) {
    relocate(readFileSync(file, 'utf8'), file, (path) => {
      if (path !== file && !isThere(path))
        broken.push(`${relative(packageDir, file)}: ${relative(packageDir, path)}`)
      return path
    })
  }
  if (broken.length > 0)
    throw new BuildError(`imports of files that the package lacks:\n  ${broken.join('\n  ')}`)
}

/**
 * Every module by its path, folders by theirs. Without this map `require` finds all of it anyway; `import` does not find
 * folders, nor files without their ending.
 */
function exportsOf(packageDir) {
  const modules = filesBelow(packageDir)
    .map((file) => relative(packageDir, file).split(sep).join('/'))
    .filter((file) => file.endsWith('.js') && !BUNDLED.includes(file))
    .sort()
  const entries = { '.': './index.js', './package.json': './package.json' }
  for (const file of modules) {
    entries[`./${file.slice(0, -'.js'.length)}`] = `./${file}`
    if (file.endsWith('/index.js')) entries[`./${file.slice(0, -'/index.js'.length)}`] = `./${file}`
  }
  return { ...entries, './*.js': './*.js', './*.json': './*.json' }
}

function writeManifest(packageDir) {
  const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { name, version, description, license, type, engines } = source
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = source
  const binary = join(packageDir, BINARY)
  if (!readFileSync(binary, 'utf8').startsWith(`${shebang}\n`))
    throw new BuildError(`${BINARY} is the package's binary: its first line must be ${shebang}`)
  chmodSync(binary, 0o755)
  const manifest = {
    name,
    version,
    description,
    license,
    type,
    main: 'index.js',
    types: 'index.d.ts',
    exports: exportsOf(packageDir),
    bin: { [name]: BINARY },
    engines,
    dependencies,
    optionalDependencies,
    peerDependencies,
    peerDependenciesMeta,
  }
  writeFileSync(join(packageDir, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  for (const page of DOCUMENTS) {
    if (existsSync(join(root, page))) cpSync(join(root, page), join(packageDir, page))
    else console.warn(`build: there is no ${page} to put into the package`)
  }
}

try {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(root, 'dist') },
      'no-check': { type: 'boolean', default: false },
    },
  })
  const out = resolve(values.out)
  const buildDir = join(out, 'build')
  const packageDir = join(out, 'package')
  // Beside the package, not in it; gone while a build is under way, so that one which fails is not taken for done.
  const stamp = join(out, 'package.fingerprint')
  const wanted = fingerprint(values['no-check'])
  const isDone = existsSync(packageDir) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
  if (!isDone) {
    console.error('Building …')
    rmSync(stamp, { force: true })
    compile(buildDir, values['no-check'] ? ['--noCheck'] : [])
    copyAssets(buildDir)
    assemble(buildDir, packageDir)
    addProtocolPaths(packageDir)
    checkRelativeImports(packageDir)
    for (const barrel of LAZY_BARRELS) makeLazy(packageDir, barrel)
    const places = new Map(
      sourceFiles()
        .filter(isSource)
        .map((file) => [packagePath(compiled(file)), join(root, file)]),
    )
    await bundle(packageDir, {
      faces: [...places.keys()].filter((place) => places.get(place).startsWith(join(root, FACES, sep))),
      sourceOf: (place) => places.get(place),
      namesOf: namesExportedBy,
    })
    writeManifest(packageDir)
    compileCore(packageDir)
    writeFileSync(stamp, wanted)
  }
} catch (error) {
  if (!(error instanceof BuildError) && !String(error?.code).startsWith('ERR_PARSE_ARGS')) throw error
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
