import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, isAbsolute, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const scripts = dirname(fileURLToPath(import.meta.url))
const BUNDLE = 'lib/bundle.js'
/** What all files that pass on a module's exports load. */
const DOOR = 'lib/core.js'
/** The package that takes longest to find and read: one file as well. */
const IN_ONE_FILE = 'fastify'
const ONE_FILE = `lib/${IN_ONE_FILE}.js`
/** What it loads later, or never; it lies where it is installed. */
const OF_LATER = /^(pino|light-my-request|@fastify\/(ajv|fast-json-stringify)-compiler)$/
export const BUNDLED = [BUNDLE, DOOR, ONE_FILE]

/** Packages that a start loads in any case. Modules that import others stay files of their own, so that only who needs them waits for them. */
const OF_EVERY_START = /^(fastify|lru-cache|ws|prom-client\/lib\/.*)$/

const pathIn = (folder, file) => relative(folder, file).split(sep).join('/')

const specifier = (from, to) => {
  const path = posix.relative(posix.dirname(from), to)
  return path.startsWith('.') ? path : `./${path}`
}

/** What a compiled module needs before it runs, and what it may ask for later. */
function importsOf(packageDir, file) {
  const text = readFileSync(join(packageDir, file), 'utf8')
  const { resolve } = createRequire(join(packageDir, file))
  const named = ([, , name]) => (name.startsWith('.') ? pathIn(packageDir, resolve(name)) : name)
  const all = [...text.matchAll(/^(.*)\brequire\("([^"]+)"\)/gm)]
  const isFirst = ([, before]) => /^((?:const|var) \w+ = (__import\w+\()?|__exportStar\()?$/.test(before)
  return {
    first: all.filter(isFirst).map(named),
    later: all.filter((one) => !isFirst(one)).map(named),
    // From `createRequire(__filename)` the same packages are found as from any file of the package; other uses mean the file's own place.
    asksForItsPlace: /\b__(dir|file)name\b/.test(text.replace(/createRequire\)?\(__filename\)/g, '')),
  }
}

/** The modules that `faces` need, directly or not, without those that have to stay outside and without what needs these. */
function insideOf(packageDir, faces) {
  const imports = new Map()
  const queue = [...faces]
  const isModule = (name) => name.endsWith('.js') && !isBuiltin(name)
  for (const file of queue) {
    if (imports.has(file)) continue
    imports.set(file, importsOf(packageDir, file))
    queue.push(...imports.get(file).first.filter(isModule))
  }
  const calledFor = new Set([...imports.values()].flatMap(({ later }) => later))
  const isLate = (name) => !isModule(name) && !isBuiltin(name) && !OF_EVERY_START.test(name)
  const inside = new Set(imports.keys())
  const mustLeave = (file) => {
    const { first, asksForItsPlace } = imports.get(file)
    return (
      asksForItsPlace ||
      calledFor.has(file) ||
      first.some((name) => isLate(name) || (isModule(name) && !inside.has(name)))
    )
  }
  for (let leaving = [undefined]; leaving.length > 0;) {
    leaving = [...inside].filter(mustLeave)
    for (const file of leaving) inside.delete(file)
  }
  return [...inside]
}

/** One character beyond Latin-1 makes V8 keep and read the whole file as text of two bytes for each character. */
const inLatin1 = (code) =>
  code.replace(/[\u0100-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The package that a file belongs to: what the nearest description with a version says of it, and its folder. */
function packageOf(file) {
  const folder = dirname(file)
  const path = join(folder, 'package.json')
  const said = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  return said.version === undefined ? packageOf(folder) : { ...said, folder }
}

const licenceOf = ({ name, folder, license }) => {
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
  return `${name}: ${file === undefined ? license : readFileSync(join(folder, file), 'utf8').trim()}`
}

/**
 * Puts a package that every start loads, and the packages that it needs, into one file, with their licences at its top.
 *
 * @returns the packages that are in it: where each lies beside it, and its version
 */
async function bundlePackage(packageDir) {
  const installed = createRequire(import.meta.url).resolve(IN_ONE_FILE)
  const isOutside = (name) => isBuiltin(name) || OF_LATER.test(name)
  const { output } = await build({
    input: installed,
    external: isOutside,
    platform: 'node',
    output: { format: 'cjs', comments: false },
    write: false,
    logLevel: 'warn',
  })
  const [{ code, modules }] = output
  const files = Object.keys(modules).filter(isAbsolute)
  const packages = new Map(files.map(packageOf).map((one) => [one.folder, one]))
  const licences = [...packages.values()].map(licenceOf).join('\n\n').replaceAll('*/', '* /')
  writeFileSync(join(packageDir, ONE_FILE), inLatin1(`/*\n${licences}\n*/\n${code}`))
  return [...packages.values()].map(({ folder, version }) => [pathIn(dirname(installed), folder), version])
}

/**
 * Puts modules into one file, because Node.js needs longer to find, read and compile two hundred small files than to run them, and leaves in
 * the place of each a file that passes on its exports.
 *
 * @param packageDir the package, where all modules lie compiled
 * @param faces the modules from which others are reached, by their paths in it
 * @param sourceOf the source of a module
 * @param namesOf the names that the module in a file exports
 */
export async function bundle(packageDir, { faces, sourceOf, namesOf }) {
  const inside = insideOf(packageDir, faces)
  const contents = [
    ...inside.map((file, index) => `import * as m${index} from ${JSON.stringify(sourceOf(file))}`),
    'const { defineProperties, getOwnPropertyDescriptors } = Object',
    'const asModule = (names) => defineProperties({}, { ...getOwnPropertyDescriptors(names), __esModule: { value: true } })',
    'module.exports = {',
    ...inside.map((file, index) => `${JSON.stringify(file)}: () => asModule(m${index}),`),
    '}',
  ]
  const entry = 'modules-of-the-core'
  const { output } = await build({
    input: entry,
    external: (name) => name !== entry && !/^[./]/.test(name),
    platform: 'node',
    plugins: [
      {
        name: entry,
        resolveId: (name) => (name === entry ? name : null),
        load: (name) => (name === entry ? contents.join('\n') : null),
      },
    ],
    output: { file: join(packageDir, BUNDLE), format: 'cjs', comments: false },
    logLevel: 'warn',
  })
  const [{ code, modules, imports }] = output
  const sources = new Set(inside.map(sourceOf))
  const twice = Object.keys(modules).filter((name) => isAbsolute(name) && !sources.has(name))
  if (twice.length > 0) throw new Error(`modules that would be loaded twice: ${twice.join(', ')}`)
  // Authors and logs see the names of classes.
  const renamed = code.match(/\w+\$\d+(?= = class\b)|(?<=\bclass )\w+\$\d+/g) ?? []
  if (renamed.length > 0) throw new Error(`two classes in the bundle have one name: ${renamed.join(', ')}`)
  writeFileSync(join(packageDir, BUNDLE), inLatin1(code))
  const first = imports.filter((name) => !isBuiltin(name) && name !== IN_ONE_FILE)
  const packages = { first, inOneFile: await bundlePackage(packageDir) }
  writeFileSync(join(packageDir, 'lib/packages.json'), `${JSON.stringify(packages)}\n`)
  copyFileSync(join(scripts, 'core/door.cjs'), join(packageDir, DOOR))
  // All before the first is replaced: a module may pass on another's.
  const names = new Map(
    inside.map((file) => [file, namesOf(join(packageDir, file)).filter((name) => name !== 'default')]),
  )
  for (const file of inside) {
    const lines = [
      '"use strict";',
      `module.exports = require(${JSON.stringify(specifier(file, DOOR))})[${JSON.stringify(file)}]();`,
      // `import` sees the names of exports only where they are written out; the line does nothing else.
      `0 && (module.exports = { ${names.get(file).join(', ')} });`,
      '',
    ]
    writeFileSync(join(packageDir, file), lines.join('\n'))
  }
}

/** Compiles the core once and keeps the code for every start. Where the packages that it needs are not installed, it goes without. */
export function compileCore(packageDir) {
  const { status, stderr } = spawnSync(process.execPath, [join(scripts, 'core/compile.cjs'), packageDir], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (status !== 0)
    console.error(`build: the core is compiled at each start, because it does not start here: ${stderr}`)
}
