import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const publicFiles = fileURLToPath(new URL('src/public/', import.meta.url))

export default defineConfig({
  // The examples import the package by its name, as any author does.
  resolve: {
    alias: [
      { find: /^tickwell$/, replacement: `${publicFiles}index.ts` },
      { find: /^tickwell\//, replacement: publicFiles },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'protocols/*/test/**/*.test.ts', 'examples/*/*.test.ts'],
    exclude: ['**/fixtures/**', 'test/compat/**'],
    env: { EA_HOST: '127.0.0.1', EA_PORT: '0', LOG_LEVEL: 'fatal' },
    // Guards against what hangs, and says nothing of speed: other work may share the machine.
    testTimeout: 30_000,
    // Many tests wait for sockets and processes: on two cores one worker would leave one of them idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    setupFiles: [
      ...(process.env.FAST_LANE === 'off' ? ['test/helpers/without-fast-lane.ts'] : []),
      ...((process.env.LAW_FACTOR ?? process.env.LAW_SEED) === undefined ? [] : ['test/helpers/law-runs.ts']),
    ],
    reporters: ['default'],
  },
})
