/** As in repositories of adapters: jest 29 over plain TypeScript, one module registry for each test file. */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/adapters/**/*.test.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript' },
          target: 'es2022',
          transform: { useDefineForClassFields: false },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  setupFiles: ['<rootDir>/setup.ts'],
  maxWorkers: 2,
}
