/**
 * Shows that the world model notices faults in the code: each mutant of `mutants.json` is put into a copy of the repository, built, and has
 * to break its law within twenty seeds.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { nowMs, seconds } from '../outside/waiting.mjs'
import { mutated } from '../mutants/law-mutants.mjs'
import { Sandbox } from '../mutants/sandbox.mjs'
import { planOf } from './plan.mjs'
import { prepare, World } from './world.mjs'

const SEEDS = 20
const AT_ONCE = 2

export const readMutants = () => JSON.parse(readFileSync(new URL('mutants.json', import.meta.url), 'utf8'))

/** @returns the seed in which the law was broken, and what was seen; undefined where no seed did */
async function brokenBy(law, build) {
  const due = Array.from({ length: SEEDS }, (_, at) => planOf(at + 1))
  prepare(build, due)
  let found
  const player = async () => {
    for (let plan = due.shift(); plan !== undefined && found === undefined; plan = due.shift()) {
      const { problems } = await new World(plan, build).run()
      const problem = problems.find(({ text }) => text.includes(`${law}: `))
      if (problem !== undefined) found ??= { seed: plan.seed, ...problem }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, player))
  return found
}

/** @returns whether each of them was noticed */
export async function tryMutants(root) {
  const sandbox = new Sandbox(root, join(root, 'reports'))
  process.once('exit', () => sandbox.remove())
  const dist = join(sandbox.folder, 'dist')
  const build = (folder) => {
    const script = join(sandbox.folder, 'scripts/build.mjs')
    execFileSync(process.execPath, [script, '--no-check', '--out', dist], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    renameSync(join(dist, 'package'), folder)
  }
  let survived = 0
  for (const mutant of readMutants()) {
    const { law, file, breaks } = mutant
    const folder = join(dist, law)
    await sandbox.with(
      file,
      (text) => mutated(text, mutant),
      () => build(folder),
    )
    const beganMs = nowMs()
    const found = await brokenBy(law, folder)
    if (found === undefined) survived++
    const saw = found && `seed ${found.seed}, step ${found.at}: ${found.text}`
    const took = seconds(nowMs() - beganMs)
    console.log(
      `${law.padEnd(6)} ${found ? 'noticed ' : 'SURVIVED'}  ${breaks} (${saw ?? `${SEEDS} seeds`}; ${took})`,
    )
  }
  return survived === 0
}
