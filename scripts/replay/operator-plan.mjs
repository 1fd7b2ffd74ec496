/** Which commands an operator reads, and which of them are not replayed. */
import { pagesLinkedFrom } from './commands.mjs'

/** The part of the README before this is for operators, and so is what it links to. */
const OPERATORS_END = '## Write an adapter'

const NOT_FOR_OPERATORS = ['CONTRIBUTING.md']

/** All pages that an operator is told to read, by the README. */
export const pagesOfOperators = (readme) => [
  'README.md',
  ...pagesLinkedFrom(readme.slice(0, readme.indexOf(OPERATORS_END))).filter(
    (page) => !NOT_FOR_OPERATORS.includes(page),
  ),
  'SECURITY.md',
]

/** Commands in those pages that `operator.mjs` does not run, each with the reason. All others it runs. */
export const NOT_RUN = {
  'npm ci && npm test': 'takes minutes, and is what every change is tested with',
  'npm run bench': 'wants a machine with nothing else to do',
  'npm run trial:stale': 'is a job of the night',
  'npm run test:strapi': 'is a job of the night',
  'cp .env.example .env && docker compose up --build': 'wants Docker, and the registry that images come from',
  'docker compose --profile metrics up': 'wants Docker, and the registry that images come from',
  'npm run monitoring': 'writes files of the repository, which a test compares with what it writes',
  'npx tickwell new acme price': 'is for authors',
  'npx tickwell try': 'is for authors',
  'docker run --rm --env-file .env <image> node lib/cli/main.js check': 'wants Docker',
  'docker run --rm --env-file .env tickwell:old node lib/cli/main.js check --json > settings-before.json':
    'wants Docker',
  'docker run --rm --env-file .env -v "$PWD/settings-before.json:/before.json:ro" tickwell:new node lib/cli/main.js check --compare /before.json':
    'wants Docker',
}
