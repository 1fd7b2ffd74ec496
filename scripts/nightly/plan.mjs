/** What runs every night, in which order, and how long each may take. */

const npm = (script, ...args) => [
  'npm',
  'run',
  script,
  '--silent',
  ...(args.length > 0 ? ['--', ...args] : []),
]

/** The whole night on two cores. */
export const MOST_MINUTES = 90

/** The part of `parts` that is due on a day, so that all of them are within as many days. */
export const partOn = (day, parts) => `${(day % parts) + 1}/${parts}`

/** How many nights it takes until every mutant has been tried. */
export const NIGHTS = 7

/**
 * Rounds, one after the other. The jobs of a round run side by side: at most one of them judges real time or uses both cores, and those beside
 * it are `nice`. A job that has not ended after its `minutes` is killed, and has failed.
 *
 * @param day - a number that grows by one each day
 */
export const roundsOf = (day) => [
  [{ name: 'build', minutes: 1, command: npm('build') }],
  [
    { name: 'laws', minutes: 10, command: npm('test:laws'), env: { LAW_FACTOR: '20' } },
    { name: 'replay-operator', minutes: 8, command: npm('replay:operator'), isNice: true },
  ],
  [
    { name: 'edge', minutes: 9, command: npm('trial:edge') },
    { name: 'without-fast-lane', minutes: 9, command: npm('test:without-fast-lane'), isNice: true },
  ],
  [{ name: 'stale', minutes: 3, command: npm('trial:stale') }],
  [{ name: 'alive', minutes: 3, command: npm('trial:alive') }],
  [{ name: 'answers', minutes: 5, command: npm('trial:answers') }],
  [{ name: 'laws-from-outside', minutes: 4, command: npm('trial:laws') }],
  [
    { name: 'chaos', minutes: 6, command: npm('chaos', '--seeds=20') },
    { name: 'fuzz', minutes: 6, command: npm('fuzz', '--minutes=4'), isNice: true },
  ],
  [
    { name: 'simulation', minutes: 16, command: npm('simulation') },
    { name: 'scenarios', minutes: 14, command: npm('scenarios'), isNice: true },
  ],
  [
    { name: 'soak', minutes: 12, command: npm('soak') },
    { name: 'strapi', minutes: 10, command: npm('test:strapi'), isNice: true },
  ],
  [
    { name: 'reference', minutes: 9, command: npm('test:reference') },
    { name: 'law-mutants', minutes: 9, command: npm('mutants:laws', `--part=${partOn(day, NIGHTS)}`) },
  ],
  [
    {
      name: 'mutants',
      minutes: 11,
      command: npm('mutants', '--minutes=10', `--part=${partOn(day, NIGHTS)}`),
    },
  ],
]

/** How long all of them take at most. */
export const minutesOf = (rounds) =>
  rounds.reduce((sum, jobs) => sum + Math.max(...jobs.map(({ minutes }) => minutes)), 0)
