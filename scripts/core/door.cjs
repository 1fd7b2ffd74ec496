'use strict'
/**
 * What all files of the package load: the core, which is one file, with the code that was compiled when the package was built, and fastify in
 * the same way. That code is used where it was made of the very same text, by the same version of Node.js; elsewhere the text is compiled as
 * usual.
 */
const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { createRequire, wrap } = require('node:module')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')
const { first, inOneFile } = require('./packages.json')

/** Test runners such as Jest load packages into a context of their own, with clocks and modules of theirs: the core has to run there, too. */
const isMainContext = new Script('globalThis').runInThisContext() === globalThis

/** V8 itself compares no more of the text than its length. */
const compiledOf = (name, mark) => {
  try {
    const kept = readFileSync(join(module.path, `${name}.code`))
    return kept.subarray(0, mark.length).equals(mark) ? kept.subarray(mark.length) : undefined
  } catch {
    return undefined
  }
}

/** For the build, which asks for the code once the core has run, and for tests. */
const compiled = {}

const run = (name, ask) => {
  const filename = join(module.path, `${name}.js`)
  const text = readFileSync(filename)
  const mark = createHash('sha1').update(text).digest()
  const script = new Script(wrap(text.toString()), { filename, cachedData: compiledOf(name, mark) })
  const made = { exports: {} }
  script.runInThisContext().call(made.exports, made.exports, ask, made, filename, module.path)
  compiled[name] = { script, mark }
  return made.exports
}

/** Each package of the one file, and its version, is what is installed: a package that somebody has replaced is never run as it was before. */
const isInstalled = (folder, packages) => {
  try {
    return packages.every(
      ([path, version]) => JSON.parse(readFileSync(join(folder, path, 'package.json'))).version === version,
    )
  } catch {
    return false
  }
}

const fastify = () => {
  const installed = require.resolve('fastify')
  const isSame = isInstalled(dirname(installed), inOneFile)
  return isSame ? run('fastify', createRequire(installed)) : require('fastify')
}

if (!isMainContext) module.exports = require('./bundle.js')
else {
  // Before the core, and not by it: a process takes 5 MB less when they are loaded before so large a file is compiled.
  const loaded = new Map([['fastify', fastify()], ...first.map((name) => [name, require(name)])])
  module.exports = run(
    'bundle',
    Object.assign((name) => loaded.get(name) ?? require(name), require),
  )
  module.compiled = compiled
}
