/**
 * Does what docs/migrating.md says, word for word: a small adapter of test/compat, which depends on the framework that the package stands
 * in for, is moved to the package, and its own tests are run. After scripts/compat.mjs, whose tools (jest and its company) it uses.
 *
 *   node scripts/migrating.mjs [--tarball <file>] [--tools <folder>]
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const FRAMEWORK = '@chainlink/external-adapter-framework'
const PATIENCE_MS = 180_000

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const name = `tickwell-${version}.tgz`
const { values } = parseArgs({
  options: {
    tarball: { type: 'string', default: join(root, 'dist', name) },
    tools: { type: 'string', default: join(root, 'dist/compat') },
  },
})

const page = readFileSync(join(root, 'docs/migrating.md'), 'utf8')
const blocks = (language) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, code]) => code)
const [make, move] = blocks('sh')
const [change] = blocks('json').map((code) => JSON.parse(code))

const expect = (isSo, what) => {
  if (!isSo) throw new Error(`migrating: ${what}`)
}

expect(existsSync(values.tarball), `there is no ${values.tarball}: run \`npm run package\``)
expect(
  existsSync(join(values.tools, 'node_modules')),
  'there is no jest: run `node scripts/compat.mjs` first',
)
// The first block is what made the tarball, before this is run.
expect(make.split('\n').includes('npm run package'), 'the page does not say how the package is made')
expect(basename(values.tarball) === name, `the tarball is not of version ${version}`)
expect(page.includes(`dist/${name}`), `the page does not name dist/${name}`)

// Below the folder with the tools, so that the adapter finds its jest there; where its developer has it installed.
const scratch = join(resolve(values.tools), 'migrating')
const adapter = join(scratch, 'adapter')
rmSync(scratch, { recursive: true, force: true })
mkdirSync(join(scratch, 'tickwell/dist'), { recursive: true })
mkdirSync(adapter)
cpSync(values.tarball, join(scratch, 'tickwell/dist', name))
for (const file of ['adapters/ws-price', 'jest.config.js', 'setup.ts', 'tsconfig.json'])
  cpSync(join(root, 'test/compat', file), join(adapter, file), { recursive: true })
const manifestFile = join(adapter, 'package.json')
const before = {
  name: 'ws-price',
  private: true,
  scripts: { test: 'jest --ci' },
  dependencies: { [FRAMEWORK]: '2.18.1' },
}
writeFileSync(manifestFile, JSON.stringify(before, null, 2))

for (const command of move.trim().split('\n')) {
  console.log(`$ ${command}`)
  const env = {
    ...process.env,
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  }
  execFileSync('sh', ['-ec', command], { cwd: adapter, env, stdio: 'inherit', timeout: PATIENCE_MS })
}
const { dependencies } = JSON.parse(readFileSync(manifestFile, 'utf8'))
expect(
  JSON.stringify(dependencies) === JSON.stringify(change.dependencies),
  `the page says ${JSON.stringify(change.dependencies)}, and npm made of it ${JSON.stringify(dependencies)}`,
)
const installed = JSON.parse(readFileSync(join(adapter, 'node_modules', FRAMEWORK, 'package.json'), 'utf8'))
expect(installed.name === 'tickwell', `what is installed is ${installed.name}`)
console.log('migrating: what the page says, works')
