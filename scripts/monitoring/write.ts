/** Writes deploy/alerts.yml, deploy/board.json and docs/runbook.md, from the definitions beside this file. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { alertGroups } from './alerts'
import { board } from './board'
import { renderRules } from './rules'
import { renderRunbook } from './runbook'

const root = join(__dirname, '..', '..')

/** As all files of the repository are written. */
const formatted = async (path: string, text: string): Promise<string> =>
  format(text, { ...(await resolveConfig(join(root, path))), filepath: path })

/** What is generated, by the path of its file. */
export const monitoringFiles = async (): Promise<Record<string, string>> => ({
  'deploy/alerts.yml': await formatted('deploy/alerts.yml', renderRules(alertGroups)),
  'deploy/board.json': await formatted('deploy/board.json', JSON.stringify(board())),
  'docs/runbook.md': renderRunbook(alertGroups),
})

async function main(): Promise<void> {
  for (const [path, text] of Object.entries(await monitoringFiles())) writeFileSync(join(root, path), text)
}

if (process.argv[1] === __filename) void main()
