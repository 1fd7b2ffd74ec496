import { defineConfig } from 'vitest/config'

/** The tests that have to notice the mutants of a group; `mutants.mjs` names them. */
export default defineConfig({
  test: {
    include: (process.env.MUTANTS_TESTS ?? '').split(' '),
    env: { EA_HOST: '127.0.0.1', EA_PORT: '0', LOG_LEVEL: 'fatal' },
    testTimeout: 30_000,
  },
})
