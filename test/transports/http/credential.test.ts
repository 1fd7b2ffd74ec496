import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { serve } from '../../../src/testing/serve'
import { httpAdapter, httpProvider, oneByOne } from './support'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
afterEach(() => void vi.useRealTimers())

const silent = () => {}
const logger = { info: silent, debug: silent, trace: silent, warn: silent, error: silent, fatal: silent }

/** A provider that takes the tokens of its issuer until it revokes them, and an adapter that may send five requests a second. */
const rig = async (of: { lifeMs?: number; isForbidden?: (path: string) => boolean } = {}) => {
  const issued: string[] = []
  const state = { revoked: new Set<string>(), takesNew: true, fails: undefined as Error | undefined }
  const provider = await httpProvider((path) => {
    const { headers } = provider.asked.at(-1)!
    const token = String(headers['authorization'])
    if (of.isForbidden?.(path) === true) return { status: 403 }
    if (!issued.includes(token) || state.revoked.has(token) || !state.takesNew) return { status: 401 }
    return { body: { price: 1 } }
  })
  const { parseResponse } = oneByOne('')
  const fetch = () => {
    if (state.fails !== undefined) throw state.fails
    issued.push(`t${issued.length + 1}`)
    return { value: issued.at(-1)!, ...(of.lifeMs && { expiresInMs: of.lifeMs }) }
  }
  const service = await serve(
    () =>
      httpAdapter(
        {
          parseResponse,
          prepareRequests: (feeds, _, parameters) =>
            feeds.map((feed) => ({
              params: [feed],
              request: {
                baseURL: provider.url,
                url: `/${feed.base}`,
                headers: { authorization: parameters?.credential ?? 'none' },
              },
            })),
          credential: { fetch },
        },
        { rateLimiting: { tiers: { free: { rateLimit1s: 5 } } } },
      ),
    {
      env: { CACHE_POLLING_MAX_RETRIES: '0', RETRY: '0', CACHE_MAX_AGE: '10000' },
      dependencies: { loggerFactory: { child: () => logger } },
    },
  )
  const pass = async (seconds: number) => {
    for (let n = 0; n < seconds * 10; n++) {
      await vi.advanceTimersByTimeAsync(100)
      for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return Object.assign(state, {
    issued,
    provider,
    pass,
    ask: async (base: string) => (await service.post({ base })).json as Record<string, unknown>,
    /** The tokens and paths of all requests since the last call. */
    asked: () =>
      provider.asked.splice(0).map(({ headers, path }) => `${String(headers['authorization'])} ${path}`),
    async [Symbol.asyncDispose]() {
      await service.stop()
      await provider[Symbol.asyncDispose]()
    },
  })
}

const reasonOf = (json: Record<string, unknown>) =>
  json['error'] && (json['error'] as { reason: object }).reason

describe('the credential of an HTTP transport', () => {
  it('is got once for all requests, and renewed ahead of its end', async () => {
    await using of = await rig({ lifeMs: 20_000 })
    for (const base of ['A', 'B', 'C']) await of.ask(base)
    await of.pass(10)
    expect(of.issued).toEqual(['t1'])
    expect(new Set(of.asked())).toEqual(new Set(['t1 /A', 't1 /B', 't1 /C']))
    await of.pass(8)
    expect(of.issued).toEqual(['t1', 't2'])
    of.asked()
    await of.pass(2)
    expect(new Set(of.asked())).toEqual(new Set(['t2 /A', 't2 /B', 't2 /C']))
    expect((await of.ask('A'))['result']).toBe(1)
  })

  it('RL-3: is renewed once when requests are answered with 401, which are repeated at once with the new one', async () => {
    await using of = await rig()
    const bases = ['A', 'B', 'C', 'D', 'E', 'F', 'G']
    for (const base of bases) await of.ask(base)
    await of.pass(5)
    of.asked()
    of.revoked.add('t1')
    await of.pass(3)
    expect(of.issued).toEqual(['t1', 't2'])
    const asked = of.asked()
    const refused = asked.filter(
      (line) => line.startsWith('t1') && asked.indexOf(line) === asked.lastIndexOf(line),
    )
    // What was under way or is due next, and no feed twice.
    expect(refused.length).toBeLessThanOrEqual(bases.length)
    for (const base of bases) expect(asked).toContain(`t2 /${base}`)
    for (const base of bases) expect((await of.ask(base))['result']).toBe(1)
  })

  it('RL-3: is asked for ever more slowly when the new one is not taken either, and clients are told', async () => {
    await using of = await rig()
    of.takesNew = false
    for (const base of ['A', 'B', 'C']) await of.ask(base)
    await of.pass(10)
    const { length: early } = of.issued
    expect(early).toBeLessThanOrEqual(3)
    expect(reasonOf(await of.ask('A'))).toMatchObject({ code: 'CREDENTIAL_REFUSED' })
    of.asked()
    await of.pass(120)
    expect(of.issued.length - early).toBeLessThanOrEqual(6)
    expect(of.asked().length).toBeLessThanOrEqual(18)
    of.takesNew = true
    await of.pass(150)
    for (const base of ['A', 'B', 'C']) expect((await of.ask(base))['result']).toBe(1)
  })

  it('RL-3: is replaced once for a feed that the provider forbids by itself, which costs the others nothing', async () => {
    await using of = await rig({ isForbidden: (path) => path === '/BAD' })
    await of.ask('GOOD')
    await of.pass(20)
    await of.ask('BAD')
    of.asked()
    await of.pass(30)
    expect(of.issued).toEqual(['t1', 't2'])
    const asked = of.asked()
    const bad = asked.filter((line) => line.endsWith('/BAD'))
    expect(bad.length).toBeGreaterThan(2)
    expect(bad.length).toBeLessThan(10)
    expect(asked.filter((line) => line.endsWith('/GOOD')).length).toBeGreaterThan(100)
    expect(reasonOf(await of.ask('BAD'))).toMatchObject({ code: 'CREDENTIAL_REFUSED' })
  })

  it('CN-9: is named as what is missing while it cannot be had, and its feeds are back when it can', async () => {
    await using of = await rig()
    of.fails = new Error('the issuer is away')
    await of.ask('A')
    await of.pass(3)
    expect(reasonOf(await of.ask('A'))).toMatchObject({
      code: 'CREDENTIAL_FAILED',
      message: expect.stringContaining('the issuer is away') as string,
    })
    expect(of.asked()).toEqual([])
    of.fails = undefined
    await of.pass(15)
    expect((await of.ask('A'))['result']).toBe(1)
  })
})
