import { beforeAll, describe, expect, it } from 'vitest'
import { read } from '../helpers/repository'

const load = async () => ({
  ...(await import('../../scripts/replay/commands.mjs')),
  ...(await import('../../scripts/replay/operator-plan.mjs')),
})
let replay: Awaited<ReturnType<typeof load>>
beforeAll(async () => {
  replay = await load()
})

describe('the commands of a page', () => {
  it('are the lines of its shell blocks, and what begins with a program in its text', () => {
    const page = [
      'Say `npm run build`, or `npx',
      'tickwell check`; `npm` knows `tickwell-old` and `LOG_LEVEL=debug`.',
      '```sh',
      '# first',
      'curl -s x \\',
      "  -d '#1' # the price",
      '',
      'npm ci && npm start',
      '```',
      '- a list',
      '  ```sh',
      "  A='b c'",
      '  ```',
      '```ts',
      'npm.run()',
      '```',
      'and `npm run build` again',
    ].join('\n')
    expect(replay.commandsIn(page)).toEqual([
      "curl -s x -d '#1'",
      'npm ci && npm start',
      "A='b c'",
      'npm run build',
      'npx tickwell check',
    ])
    expect(
      replay.pagesLinkedFrom('[a](docs/a.md) [b](docs/a.md#b) [c](https://c.md) [d](#d) [e](LICENSE)'),
    ).toEqual(['docs/a.md'])
  })
})

describe('the commands that operators read', () => {
  const commands = () => {
    const pages = replay.pagesOfOperators(read('README.md'))
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/settings.md', 'docs/upgrading.md']))
    return new Set(pages.flatMap((page) => replay.commandsIn(read(page))))
  }
  const script = read('scripts/replay/operator.mjs')

  it('are each replayed, or listed with the reason why not', () => {
    const all = [...commands()]
    expect(all.length).toBeGreaterThan(20)
    expect(all.filter((command) => !(command in replay.NOT_RUN) && !script.includes(command))).toEqual([])
  })

  it('are all that the script knows, and none is both', () => {
    const all = commands()
    const run = [...script.matchAll(/asWritten\(\s*(['`])([^]*?)\1,?\s*\)/g)].map(([, , command]) => command!)
    expect(run.length).toBeGreaterThan(8)
    expect([...run, ...Object.keys(replay.NOT_RUN)].filter((command) => !all.has(command))).toEqual([])
    expect(run.filter((command) => command in replay.NOT_RUN)).toEqual([])
    for (const why of Object.values(replay.NOT_RUN)) expect(why).not.toBe('')
  })
})
