module.exports = ({ env }) => ({
  host: '127.0.0.1',
  port: env.int('PORT'),
  app: { keys: ['test-key-one', 'test-key-two'] },
  transfer: { remote: { enabled: env.bool('TRANSFER_ENABLED', true) } },
  logger: { updates: { enabled: false } },
  // A transfer that ends brings the limits back for all others: older sockets than a minute would be cut.
  http: { serverOptions: { requestTimeout: 0, headersTimeout: 0 } },
})
