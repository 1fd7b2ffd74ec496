/** Runs a job of the night, and ends it when its time is over. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'

/** Process groups that run: each ends with the night, however that ends. */
const groups = new Set()
process.once('exit', () => groups.forEach(endGroup))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130))

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/**
 * @param job - see `plan.mjs`
 * @param of.folder - where it runs
 * @param of.isAlone - whether its output goes straight to the terminal; else it is given back
 * @param of.minuteMs - for tests
 * @returns how it ended (`passed`, `failed`, or `killed` where its time was over), how long it took, and what it said
 */
export async function runJob(job, { folder, isAlone, minuteMs = 60_000 }) {
  const began = performance.now()
  const [program, ...args] = job.isNice ? ['nice', '-n', '10', ...job.command] : job.command
  const stdio = isAlone ? 'inherit' : ['ignore', 'pipe', 'pipe']
  const env = { ...process.env, ...job.env }
  // A group of its own, so that all processes that it starts end with it.
  const child = spawn(program, args, { cwd: folder, env, stdio, detached: true })
  let [said, isOver] = ['', false]
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => (said += text))
  const end = () => child.pid !== undefined && endGroup(child.pid)
  if (child.pid !== undefined) groups.add(child.pid)
  const timer = setTimeout(() => {
    isOver = true
    end()
  }, job.minutes * minuteMs)
  const [status] = await once(child, 'close').catch((error) => [error])
  clearTimeout(timer)
  // What it may have left behind.
  end()
  groups.delete(child.pid)
  const outcome = isOver ? 'killed' : status === 0 ? 'passed' : 'failed'
  return { name: job.name, outcome, minutes: (performance.now() - began) / minuteMs, said }
}
