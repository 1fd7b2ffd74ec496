import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Group, type Scenario } from './scenario'

const numbers = new Intl.Collator('en', { numeric: true })

/** What nodes really send comes first, what only shows where the speed is from comes last. */
const GROUPS: (Group | undefined)[] = ['nodes', 'constant', undefined, 'tricks']

/**
 * All scenarios, by group and name: what the files of bench/scenarios export. The sources say which there are, since a compiled file outlives
 * its source.
 *
 * @param root - the repository's folder
 */
export const loadScenarios = async (root: string): Promise<Scenario[]> => {
  const files = readdirSync(path.join(root, 'bench/scenarios'))
  const modules = files.map((name) => {
    const file = path.join(__dirname, 'scenarios', `${path.parse(name).name}${path.extname(__filename)}`)
    return import(pathToFileURL(file).href) as Promise<{ scenarios: Scenario[] }>
  })
  const scenarios = (await Promise.all(modules)).flatMap((module) => module.scenarios)
  const placeOf = ({ group }: Scenario) => GROUPS.indexOf(group)
  return scenarios.sort((a, b) => placeOf(a) - placeOf(b) || numbers.compare(a.name, b.name))
}
