module.exports = () => ({
  serveAdminPanel: false,
  auth: { secret: 'test-auth-secret' },
  apiToken: { salt: 'test-api-token-salt' },
  transfer: { token: { salt: 'test-transfer-token-salt' } },
  secrets: { encryptionKey: '0123456789abcdef0123456789abcdef' },
})
