/**
 * Does what an operator reads, word for word: takes the commands out of the README and the pages it links for operators, and runs them in a
 * fresh folder with a fresh home, and no variables but `PATH`. What cannot be run here is listed in `operator-plan.mjs`.
 *
 *   npm run replay:operator
 *
 * Three things are not as written: `npm ci` links the packages that are installed here; ports are free ones in the place of 8080, 9080 and
 * 7070; and the live providers are a simulated exchange (coinbase) and nobody (the others), by their settings. So it needs no network.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandsIn } from './commands.mjs'
import { NOT_RUN, pagesOfOperators } from './operator-plan.mjs'
import { freePort, Sandbox } from './sandbox.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const read = (path) => readFileSync(join(root, path), 'utf8')
const readme = read('README.md')
const wanted = new Set(pagesOfOperators(readme).flatMap((page) => commandsIn(read(page))))
for (const command of Object.keys(NOT_RUN)) wanted.delete(command)

/** The command as a page has it: a page that has it otherwise has to be looked at here, too. */
const asWritten = (command) => {
  assert.ok(wanted.delete(command), `no page has the command, or it has been run: ${command}`)
  return command
}

const sandbox = new Sandbox()
const said = (command, what) => console.log(`ok  ${command}\n      ${what}`)
const TOKEN = 'a-token-of-operators'
const NOBODY = 'ws://127.0.0.1:9'

/** The members of an answer, and of its members. */
const shapeOf = (value) =>
  typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]))
    : typeof value

const checkout = sandbox.checkout('tickwell')

async function theDemo() {
  const command = asWritten('npm ci && npm run demo')
  const demo = sandbox.start(command, checkout)
  const [price] = await demo.says(/^ETH\/USD +\d+\.\d+.*$/m)
  const [curl] = await demo.says(/curl -s .*/)
  const answer = JSON.parse(await sandbox.run(curl, checkout))
  assert.equal(typeof answer.result, 'number')
  await demo.interrupt()
  said(command, `${price}; the command that it prints is answered with ${answer.result}`)
}

const { simulatedExchange } = await (async () => {
  await theDemo()
  return createRequire(import.meta.url)(join(checkout, 'dist/package/lib/testing/simulated-exchange.js'))
})()
const exchange = await simulatedExchange({ seed: 1 })
const [EA_PORT, METRICS_PORT, ADMIN_PORT] = [await freePort(), await freePort(), await freePort()]
const variables = {
  EA_PORT,
  METRICS_PORT,
  COINBASE_WS_API_ENDPOINT: exchange.url,
  KRAKEN_WS_API_ENDPOINT: NOBODY,
  BITFINEX_WS_API_ENDPOINT: NOBODY,
}

async function theService() {
  const command = asWritten('npm ci && npm start')
  const service = sandbox.start(command, checkout, variables)
  const [, addresses] = await service.says(/"msg":"(Open addresses:[^"]*)"/)
  said(command, addresses)
  const curl = asWritten(
    `curl -s localhost:8080/coinbase -H 'content-type: application/json' -d '{"data":{"base":"ETH","quote":"USD"}}'`,
  )
  const answer = JSON.parse(await sandbox.run(curl.replace('8080', EA_PORT), checkout))
  const [, example] = /```json\n([^]*?)```/.exec(readme)
  assert.deepEqual(shapeOf(answer), shapeOf(JSON.parse(example)))
  said(curl, `statusCode ${answer.statusCode}, result ${answer.result}, members as in the README`)
  const shown = {
    '/health': EA_PORT,
    '/live': EA_PORT,
    '/ready': EA_PORT,
    '/status': EA_PORT,
    '/metrics': METRICS_PORT,
  }
  for (const [page, port] of Object.entries(shown))
    await sandbox.run(`curl -sf -o page localhost:${port}${page}`, sandbox.folder)
  said('the pages of the README', Object.keys(shown).join(', '))
  await service.interrupt()
  assert.match(service.said, /"msg":"SIGINT: stopping"/)
}

async function whatIsBuilt() {
  const command = asWritten('node dist/package/lib/service/main.js')
  const service = sandbox.start(command, checkout, variables)
  const [, addresses] = await service.says(/"msg":"(Open addresses:[^"]*)"/)
  said(command, addresses)
  await service.interrupt()
}

async function theAdminPort() {
  const assignment = asWritten(
    `READY_ESSENTIAL_FEEDS='[{"adapter":"coinbase","data":{"base":"ETH","quote":"USD"}},"kraken:BTC/*"]'`,
  )
  const service = sandbox.start(`${assignment} npm start`, checkout, {
    ...variables,
    ADMIN_PORT,
    ADMIN_TOKEN: TOKEN,
  })
  await service.says(/"msg":"Open addresses/)
  const ask = `curl -s -o page -w '%{http_code}' --retry 20 --retry-delay 1 --retry-all-errors -f localhost:${EA_PORT}/ready`
  assert.match(await sandbox.run(ask, sandbox.folder), /200$/)
  said(assignment, 'the service is ready once ETH/USD has a value, which nobody asked for')
  const curl = asWritten(
    `curl -s 'localhost:7070/coinbase/explain?base=ETH&quote=USD' -H "authorization: Bearer $ADMIN_TOKEN"`,
  )
  const text = await sandbox.run(curl.replace('7070', ADMIN_PORT), checkout, { ADMIN_TOKEN: TOKEN })
  assert.equal(typeof JSON.parse(text), 'object')
  said(curl, `${text.slice(0, 60)}…`)
  await service.interrupt()
}

async function theSettings() {
  const build = asWritten('npm run build')
  await sandbox.run(build, checkout)
  const npx = asWritten('npx tickwell check')
  assert.match(await sandbox.run(npx, checkout), /The settings are good\.\n$/)
  said(npx, 'The settings are good.')
  // What installing the package does.
  const main = join(checkout, 'dist/package/lib/cli/main.js')
  symlinkSync(main, join(sandbox.bin, 'tickwell'))
  const own = join(sandbox.folder, 'acme')
  mkdirSync(join(own, 'node_modules'), { recursive: true })
  symlinkSync(join(checkout, 'dist/package'), join(own, 'node_modules/tickwell'))
  writeFileSync(
    join(own, 'acme.js'),
    `const { Adapter, AdapterEndpoint } = require('tickwell/adapter')
     const { HttpTransport } = require('tickwell/transports')
     const transport = new HttpTransport({ prepareRequests: () => [], parseResponse: () => [] })
     exports.adapter = new Adapter({ name: 'ACME', endpoints: [new AdapterEndpoint({ name: 'price', transport })] })`,
  )
  for (const command of ['tickwell check', 'tickwell check acme.js']) {
    assert.match(await sandbox.run(asWritten(command), own), /The settings are good\.\n$/)
    said(command, 'The settings are good.')
  }
  assert.match(await sandbox.run(asWritten('tickwell --version'), own), /^\d+\.\d+\.\d+\n$/)
}

async function theUpgrade() {
  const env = { ...variables, KRAKEN_CACHE_MAX_AGE: '5000' }
  const write = asWritten('npx tickwell check --json > ../settings-before.json')
  await sandbox.run(write, checkout, env)
  const compare = asWritten('npm ci && npm run build && npx tickwell check --compare ../settings-before.json')
  const next = sandbox.checkout('next')
  assert.match(await sandbox.run(compare, next, env), /Nothing is otherwise\.\n\nThe settings are good\.\n$/)
  said(compare, 'Nothing is otherwise.')
  const short = asWritten('tickwell check --compare <file>')
  const lost = { ...env, KRAKEN_CACHE_MAX_AGE: '6000' }
  const report = await sandbox.run(short.replace('<file>', '../settings-before.json'), next, lost)
  assert.match(report, /kraken CACHE_MAX_AGE: value 6000, was 5000/)
  said(short, 'what is not as it was is named')
}

async function thePackage() {
  const command = asWritten('npm run package')
  await sandbox.run(command, checkout)
  const { version } = JSON.parse(read('package.json'))
  assert.ok(existsSync(join(checkout, `dist/tickwell-${version}.tgz`)))
  said(command, `dist/tickwell-${version}.tgz`)
}

await theService()
await whatIsBuilt()
await theAdminPort()
await theSettings()
await theUpgrade()
await thePackage()
await exchange[Symbol.asyncDispose]()
assert.deepEqual([...wanted], [], 'commands that are neither run nor listed')
for (const [command, why] of Object.entries(NOT_RUN)) console.log(`--  ${command}\n      not run: ${why}`)
process.exit(0)
