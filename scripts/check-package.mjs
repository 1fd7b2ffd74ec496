// Installs the packed tarball in an empty folder under another name, and gets a price out of an adapter written against that
// name; and has its command check the settings of another. What is checked is what users get: nothing of this checkout but the tarball is used.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const alias = '@acme/framework'
const tarballs = readdirSync('dist').filter((name) => /^tickwell-.*\.tgz$/.test(name))
if (tarballs.length !== 1)
  throw new Error(`Expected one tarball in dist/, found ${tarballs.length}: run "npm run package"`)
const tarball = resolve('dist', tarballs[0])

const adapter = `
const { WebSocketServer } = require('ws')
const { expose } = require('${alias}')
const { Adapter, AdapterEndpoint } = require('${alias}/adapter')
const { WebSocketTransport } = require('${alias}/transports')
const { InputParameters } = require('${alias}/validation')

const provider = new WebSocketServer({ port: 0, host: '127.0.0.1' }, async () => {
  const transport = new WebSocketTransport({
    url: () => 'ws://127.0.0.1:' + provider.address().port,
    handlers: { message: ({ base, price }) => [{ params: { base }, response: { result: price, data: { result: price } } }] },
    builders: { subscribeMessage: (params) => params, unsubscribeMessage: () => undefined },
  })
  const inputParameters = new InputParameters({ base: { type: 'string', required: true, description: 'Base asset' } })
  const endpoint = new AdapterEndpoint({ name: 'price', transport, inputParameters })
  const api = await expose(new Adapter({ name: 'PACKED', defaultEndpoint: 'price', endpoints: [endpoint] }))
  const response = await fetch('http://127.0.0.1:' + api.server.address().port, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data: { base: 'ETH' } }),
  })
  console.log(JSON.stringify(await response.json()))
  await api.close()
  provider.close()
})
provider.on('connection', (socket) => {
  socket.on('message', (text) => socket.send(JSON.stringify({ ...JSON.parse(text), price: 42 })))
})
`

/** One that the installed command checks, without a key that it requires. */
const lacking = `
const { Adapter, AdapterEndpoint } = require('${alias}/adapter')
const { AdapterConfig } = require('${alias}/config')
const { HttpTransport } = require('${alias}/transports')
const key = { description: 'Key', type: 'string', required: true, sensitive: true }
const transport = new HttpTransport({ prepareRequests: () => [], parseResponse: () => [] })
exports.adapter = new Adapter({
  name: 'LACKING',
  endpoints: [new AdapterEndpoint({ name: 'price', transport })],
  config: new AdapterConfig({ API_KEY: key }),
})
`

const folder = mkdtempSync(join(tmpdir(), 'tickwell-'))
try {
  const run = (command, args) =>
    execFileSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: 180_000,
      env: {
        ...process.env,
        EA_HOST: '127.0.0.1',
        EA_PORT: '0',
        METRICS_ENABLED: 'false',
        LOG_LEVEL: 'error',
      },
    })
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }')
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', `${alias}@file:${tarball}`])
  writeFileSync(join(folder, 'adapter.cjs'), adapter)
  const answer = JSON.parse(run(process.execPath, ['adapter.cjs']))
  if (answer.result !== 42 || answer.statusCode !== 200)
    throw new Error(`Unexpected answer: ${JSON.stringify(answer)}`)
  writeFileSync(join(folder, 'lacking.cjs'), lacking)
  const command = join(folder, 'node_modules/.bin/tickwell')
  const checked = spawnSync(command, ['check', '--json', 'lacking.cjs'], { cwd: folder, encoding: 'utf8' })
  const { problems } = JSON.parse(checked.stdout)
  if (checked.status !== 1 || problems.join() !== 'API_KEY: Value is required, but none was provided')
    throw new Error(`Unexpected outcome of the check: ${checked.status} ${checked.stdout} ${checked.stderr}`)
  console.log(`${tarballs[0]} installs as ${alias} and serves a price`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
