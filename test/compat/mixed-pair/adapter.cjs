// A small adapter on whatever framework its folder has installed, in the EA_MODE of its environment. Says its port when it is ready.
const { expose } = require('@chainlink/external-adapter-framework')
const { Adapter, AdapterEndpoint } = require('@chainlink/external-adapter-framework/adapter')
const {
  SubscriptionTransport,
} = require('@chainlink/external-adapter-framework/transports/abstract/subscription')
const { sleep } = require('@chainlink/external-adapter-framework/util')
const { InputParameters } = require('@chainlink/external-adapter-framework/validation')

/** The value of a pair is the length of what it was asked for as, so that every side can tell what is right. */
class LengthTransport extends SubscriptionTransport {
  getSubscriptionTtlFromConfig() {
    return 60_000
  }

  async backgroundHandler(_context, entries) {
    for (const params of entries) {
      const result = JSON.stringify(params).length
      const timestamps = {
        providerDataRequestedUnixMs: Date.now(),
        providerDataReceivedUnixMs: Date.now(),
        providerIndicatedTimeUnixMs: undefined,
      }
      await this.responseCache.write(this.name, [
        { params, response: { result, data: { result }, timestamps } },
      ])
    }
    await sleep(50)
  }
}

const parameter = (description) => ({ type: 'string', required: true, description })
const endpoint = new AdapterEndpoint({
  name: 'length',
  transport: new LengthTransport(),
  inputParameters: new InputParameters({ base: parameter('Base asset'), quote: parameter('Quote asset') }),
})
const adapter = new Adapter({ name: 'MIXED', defaultEndpoint: 'length', endpoints: [endpoint] })

// A writer is exposed when it has the lock, a while after it has begun to write.
const exposed = expose(adapter)
if (process.env.EA_MODE === 'writer') process.send({ port: 0 })
exposed.then(
  (api) => api !== undefined && process.send({ port: api.server.address().port }),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
