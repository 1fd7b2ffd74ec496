/**
 * One Redis, one writer and one reader, of which one is ours and the other the framework that ours stands in for: asks the reader for
 * feeds, and says what it answered. Both are installed by scripts/compat.mjs.
 */
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const workspaces = join(root, 'dist/compat')
const PATIENCE_MS = 30_000
const children = new Set()

const kept = (child) => {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function startRedis() {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const redis = kept(spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] }))
  redis.stdout.setEncoding('utf8')
  for await (const text of redis.stdout) if (text.includes('Ready to accept connections')) break
  return { redis, port }
}

/** @returns the port that the process answers on, 0 when it only writes */
async function startAdapter(side, mode, redisPort) {
  const workspace = join(workspaces, side)
  if (!existsSync(join(workspace, 'node_modules')))
    throw new Error(`${workspace} is missing: run \`node scripts/compat.mjs\` for both sides first`)
  const file = join(workspace, 'mixed-pair.cjs')
  cpSync(join(root, 'test/compat/mixed-pair/adapter.cjs'), file)
  const env = {
    ...process.env,
    EA_MODE: mode,
    EA_HOST: '127.0.0.1',
    EA_PORT: '0',
    METRICS_ENABLED: 'false',
    CACHE_TYPE: 'redis',
    CACHE_REDIS_PORT: String(redisPort),
    CACHE_LOCK_DEFERRAL_MS: '0',
    LOG_LEVEL: 'error',
  }
  const child = kept(fork(file, [], { cwd: workspace, env, execArgv: ['--no-deprecation'] }))
  const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${side} as ${mode} ended`)))
  failed.catch(() => {})
  const [{ port }] = await Promise.race([once(child, 'message'), failed])
  return port
}

async function ask(port, base) {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data: { base, quote: 'USD' } }),
  })
  return { status: response.status, result: (await response.json()).result }
}

async function tryPair(writer, reader) {
  const { redis, port: redisPort } = await startRedis()
  await startAdapter(writer, 'writer', redisPort)
  const port = await startAdapter(reader, 'reader', redisPort)
  let isRight = true
  for (const base of ['ETH', 'DOGE']) {
    const wanted = JSON.stringify({ base, quote: 'USD' }).length
    const { status, result } = await ask(port, base)
    isRight &&= status === 200 && result === wanted
    console.log(`writer ${writer}, reader ${reader}: ${base} ${status} ${result}, should be 200 ${wanted}`)
  }
  await end([...children].filter((child) => child !== redis))
  await end([redis])
  return isRight
}

async function end(ending) {
  for (const child of ending) child.kill('SIGKILL')
  await Promise.all(ending.filter((child) => children.has(child)).map((child) => once(child, 'exit')))
}

const late = setTimeout(() => {
  console.error(`mixed pair: not done after ${PATIENCE_MS / 1000} s`)
  for (const child of children) child.kill('SIGKILL')
  process.exit(1)
}, PATIENCE_MS)
try {
  const outcomes = [await tryPair('ours', 'reference'), await tryPair('reference', 'ours')]
  if (outcomes.includes(false)) process.exitCode = 1
} finally {
  clearTimeout(late)
  await end([...children])
}
