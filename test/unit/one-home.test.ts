import { expect, it } from 'vitest'
import { filesBelow, read } from '../helpers/repository'

const sources = ['src', 'endpoints', 'protocols']
  .flatMap((folder) => filesBelow(folder, /\.ts$/))
  .filter((file) => !file.includes('/test/'))

const withoutComments = (text: string): string => text.replace(/\/\*[^]*?\*\/|\/\/.*/g, '')

const filesWith = (pattern: RegExp): string[] =>
  sources.filter((file) => pattern.test(withoutComments(read(file))))

/** What has one home, and how a second one gives itself away. */
const homes: [what: string, sign: RegExp, home: string[]][] = [
  [
    'jitter',
    /\bMath\.random\b/,
    [
      'src/util/backoff.ts',
      // Tremor has its own arithmetic, and is handed the draw.
      'protocols/tremor/tremor-transport.ts',
    ],
  ],
  [
    'the reason in an error',
    /\bas \{ reason\b|memberOf\(\w+, 'reason'\)/,
    ['src/connections/connection-error.ts'],
  ],
  [
    'an error of a failed connection',
    /new AdapterConnectionError\(/,
    // A request has the times of its own, and the answer if there was one.
    ['src/connections/connection-error.ts', 'src/outbound-http/provider-error.ts'],
  ],
  [
    'whether a method of ours has been replaced',
    /[!=]== (\w+\.)?prototype\b[.[]/,
    [
      // These are asked for every message, and a loop over names takes four times as long.
      'src/feeds/compare-response-cache.ts',
      'src/feeds/local-cache.ts',
      'src/feeds/response-cache.ts',
      'src/feeds/simple-response-cache.ts',
      'src/util/overridden.ts',
    ],
  ],
  ['the codes of Node', /\bECONNREFUSED:/, ['src/validation/network-error.ts']],
]

it.each(homes)('one home only: %s', (_what, sign, home) => {
  expect(filesWith(sign)).toEqual(home)
})
