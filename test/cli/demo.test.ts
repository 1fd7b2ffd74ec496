import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { root } from '../helpers/repository'

const children: ChildProcess[] = []

/** Starts the demo as `npm run demo` does, from the sources. */
const start = (args: string[], env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/demo.ts', ...args], {
    cwd: root,
    env: { ...process.env, EA_PORT: '0', METRICS_PORT: '0', ADAPTERS: '', LOG_LEVEL: 'warn', ...env },
  })
  children.push(child)
  let errors = ''
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
  const lines = createInterface({ input: child.stdout })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { child, lines, exited, errors: () => errors }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

const PRICE = /^ETH\/USD {2}(\d+\.\d\d)/

describe('the demo', () => {
  it('prints a command and one price, and ends well', { timeout: 120_000 }, async () => {
    const { lines, exited, errors } = start(['--once'])
    const printed: string[] = []
    for await (const line of lines) printed.push(line)
    expect(await exited).toBe(0)
    expect(errors()).toBe('')
    expect(printed).toHaveLength(3)
    expect(printed[1]).toMatch(
      /^curl -s -X POST http:\/\/127\.0\.0\.1:\d+\/coinbase -H 'content-type: application\/json' -d '\{"data":\{"base":"ETH","quote":"USD"\}\}'$/,
    )
    expect(printed[2]).toMatch(PRICE)
  })

  it('shows prices that move until a signal ends it well', { timeout: 120_000 }, async () => {
    const { child, lines, exited } = start(['--seed', '7'])
    const prices = new Set<string>()
    let reply = ''
    for await (const line of lines) {
      const url = /http:\S+/.exec(line)?.[0]
      if (url !== undefined) {
        const body = JSON.stringify({ data: { base: 'ETH', quote: 'USD' } })
        const headers = { 'content-type': 'application/json' }
        reply = await (await fetch(url, { method: 'POST', headers, body })).text()
      }
      const price = PRICE.exec(line)?.[1]
      if (price !== undefined) prices.add(price)
      if (prices.size === 2) child.kill('SIGTERM')
    }
    expect(await exited).toBe(0)
    expect(JSON.parse(reply)).toMatchObject({ statusCode: 200, result: expect.any(Number) })
    expect(prices.size).toBeGreaterThanOrEqual(2)
  })

  it('takes another port when its usual one is taken', { timeout: 120_000 }, async () => {
    const server = createServer()
    // Taken by us, or by somebody else already: both will do.
    await new Promise<void>((resolve) => {
      server.on('error', () => resolve())
      server.listen(8080, '127.0.0.1', resolve)
    })
    const { lines, exited } = start(['--once'], { EA_PORT: '' })
    let url = ''
    for await (const line of lines) url ||= /http:\S+/.exec(line)?.[0] ?? ''
    expect(await exited).toBe(0)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/coinbase$/)
    expect(new URL(url).port).not.toBe('8080')
    server.close()
  })

  it(
    'keeps to a port that the operator names, and says when that is taken',
    { timeout: 120_000 },
    async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const { exited, errors } = start(['--once'], { EA_PORT: String(port) })
      expect(await exited).toBe(1)
      expect(errors()).toContain(`127.0.0.1:${port}`)
      server.close()
    },
  )

  it('ends badly with a reason when it is told nonsense', { timeout: 120_000 }, async () => {
    const { exited, errors } = start(['--seed', 'x'])
    expect(await exited).toBe(1)
    expect(errors()).toBe('--seed wants a whole number, not "x"\n')
  })
})
