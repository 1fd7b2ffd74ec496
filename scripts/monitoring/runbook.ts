import { type Alert, type AlertGroup } from './alert'

/** Where an alert's entry is on the page. */
export const anchorOf = (name: string): string => name.toLowerCase()

const listed = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n')

const entryOf = ({ name, severity, expr, for: lasting, meaning, look, act }: Alert): string =>
  [
    `### ${name}`,
    `*${severity}*, ${lasting === undefined ? 'at once' : `after ${lasting}`}`,
    meaning,
    `Look at\n\n${listed(look)}`,
    `What to do\n\n${listed(act)}`,
    `\`\`\`promql\n${expr}\n\`\`\``,
  ].join('\n\n')

const sectionOf = ({ title, alerts }: AlertGroup): string =>
  [`## ${title}`, ...alerts.map(entryOf)].join('\n\n')

const rowOf = ({ name, severity, meaning }: Alert): string =>
  `| [${name}](#${anchorOf(name)}) | ${severity} | ${meaning.split(/(?<=\.) /)[0]} |`

/** The page for whoever gets an alert. */
export const renderRunbook = (groups: readonly AlertGroup[]): string =>
  `${[
    '# Runbook',
    'What each alert of [deploy/alerts.yml](../deploy/alerts.yml) means, what to look at, and what to do. How to get alerts at all is in [monitoring.md](monitoring.md). Made from their definitions: `npm run monitoring`.',
    '`critical`: prices are missing, or will be in a moment. `warning`: look at it today. `info`: good to know.',
    ['| alert | severity | |', '|---|---|---|', ...groups.flatMap(({ alerts }) => alerts.map(rowOf))].join(
      '\n',
    ),
    ...groups.map(sectionOf),
  ].join('\n\n')}\n`
