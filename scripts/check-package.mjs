// Installs the packed tarball in an empty folder under another name, and gets a price out of an adapter written against that
// name. What is checked is what users get: nothing of this checkout but the tarball is used.
import { execFileSync } from 'node:child_process'
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
  console.log(`${tarballs[0]} installs as ${alias} and serves a price`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
