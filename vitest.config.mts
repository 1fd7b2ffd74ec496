import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/fixtures/**', 'test/compat/**'],
    env: { EA_HOST: '127.0.0.1', EA_PORT: '0', LOG_LEVEL: 'fatal' },
    testTimeout: 10_000,
    setupFiles: process.env.FAST_LANE === 'off' ? ['test/helpers/without-fast-lane.ts'] : [],
    reporters: ['default'],
  },
})
