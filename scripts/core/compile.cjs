'use strict'
/**
 * Starts an adapter from the built package, and keeps the code that was compiled for it beside the core and fastify.
 *
 *   node scripts/core/compile.cjs <package>
 */
const { rmSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

Object.assign(process.env, { EA_HOST: '127.0.0.1', EA_PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'warn' })
const folder = process.argv[2]
const load = (name) => require(join(folder, name))
const codeOf = (name) => join(folder, 'lib', `${name}.code`)
for (const name of ['bundle', 'fastify']) rmSync(codeOf(name), { force: true })

const { Adapter, AdapterEndpoint } = load('adapter')
const { AdapterConfig } = load('config')
const { expose } = load('index')
const { WebSocketTransport } = load('transports')
const { InputParameters } = load('validation')

const adapter = new Adapter({
  name: 'COMPILED',
  config: new AdapterConfig({}),
  defaultEndpoint: 'price',
  endpoints: [
    new AdapterEndpoint({
      name: 'price',
      inputParameters: new InputParameters({
        base: { description: 'Base asset', type: 'string', required: true },
      }),
      transport: new WebSocketTransport({
        url: () => 'ws://127.0.0.1:1',
        handlers: { message: () => [] },
        builders: { subscribeMessage: (params) => params, unsubscribeMessage: (params) => params },
      }),
    }),
  ],
})

void expose(adapter).then(async (api) => {
  const { compiled } = require.cache[require.resolve(join(folder, 'lib/core.js'))]
  for (const [name, { script, mark }] of Object.entries(compiled))
    writeFileSync(codeOf(name), Buffer.concat([mark, script.createCachedData()]))
  await api.close()
  process.exit(0)
})
