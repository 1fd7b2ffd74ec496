import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { read, root } from '../helpers/repository'
import { PATIENCE_MS } from '../service/service-process'

const helpOf = (...command: string[]): string =>
  execFileSync(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...command, '--help'], {
    cwd: root,
    encoding: 'utf8',
  })

/** The commands that the help of the whole names, but for that which is the service. */
const commandsIn = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name!).filter((name) => name !== 'start')

describe('the page of commands', { timeout: PATIENCE_MS }, () => {
  it('has a section for each command, which is what its --help prints', () => {
    const whole = helpOf()
    const commands = commandsIn(whole)
    const sections = commands.map((name) => `## \`tickwell ${name}\`\n\n\`\`\`\n${helpOf(name)}\`\`\`\n`)
    const [, ...found] = read('docs/commands.md').split(/^(?=## )/m)
    expect(commands.length).toBeGreaterThan(2)
    expect(found.map((section) => section.trim())).toEqual(
      [`## \`tickwell\`\n\n\`\`\`\n${whole}\`\`\`\n`, ...sections].map((section) => section.trim()),
    )
  })
})
