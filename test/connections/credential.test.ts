import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Credential, type CredentialConfig, type IssuedCredential } from '../../src/connections/credential'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { silentLoggers } from './support'

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => void vi.useRealTimers())

const TIMEOUT_MS = 5_000
const LIFE_MS = 100_000

const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** Issues `t1`, `t2` and so on, unless told otherwise. */
const issuer = (changes: Partial<CredentialConfig<string>> = {}) => {
  const seen = { fetches: 0, contexts: [] as string[], isNeeded: true }
  const answer: { next: () => Promise<IssuedCredential> | IssuedCredential } = {
    next: () => ({ value: `t${seen.fetches}`, expiresInMs: LIFE_MS }),
  }
  const fetch = (context: string) => {
    seen.fetches++
    seen.contexts.push(context)
    return answer.next()
  }
  const credential = new Credential<string>({ fetch, ...changes }, () => seen.isNeeded)
  const value = () => credential.value('context', TIMEOUT_MS)
  const codeOf = () =>
    value().then(
      (good) => good,
      (error: { reason?: { code: string } }) => error.reason?.code,
    )
  return { seen, answer, credential, value, codeOf }
}

const refused = () => Promise.reject(Object.assign(new Error('bad key'), { response: { status: 401 } }))
const down = () => Promise.reject(new Error('connect ECONNREFUSED'))

describe('CN-9: a credential', () => {
  it('is asked for once, by however many at a time', async () => {
    const { seen, value } = issuer()
    expect(await Promise.all([value(), value(), value()])).toEqual(['t1', 't1', 't1'])
    expect(await value()).toBe('t1')
    expect(seen).toMatchObject({ fetches: 1, contexts: ['context'] })
  })

  it('is renewed ahead of its end, and there is one at every moment', async () => {
    const { seen, value, credential } = issuer()
    await value()
    for (let passed = 0; passed < 10 * LIFE_MS; passed += 1_000) {
      const before = seen.fetches
      await value()
      expect(seen.fetches).toBe(before)
      await advance(1_000)
    }
    expect(seen.fetches).toBeGreaterThanOrEqual(12)
    expect(seen.fetches).toBeLessThanOrEqual(16)
    credential.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that nobody needs is left to end, and had anew when somebody does', async () => {
    const { seen, value } = issuer()
    await value()
    seen.isNeeded = false
    await advance(3 * LIFE_MS)
    expect(seen.fetches).toBe(1)
    expect(await value()).toBe('t2')
  })

  it.each([-86_400_000, 86_400_000])('lives as long although our clock is set by %d ms', async (stepMs) => {
    const { seen, value } = issuer()
    await value()
    seen.isNeeded = false
    vi.setSystemTime(Date.now() + stepMs)
    await advance(LIFE_MS - 1)
    expect(await value()).toBe('t1')
    await advance(1)
    expect(await value()).toBe('t2')
  })

  it.each([-3_600_000, 3_600_000])(
    'lives as long although the provider’s clock is %d ms off',
    async (skewMs) => {
      const { seen, answer, value } = issuer()
      answer.next = () => {
        const issuedUnixMs = Date.now() + skewMs
        return { value: `t${seen.fetches}`, issuedUnixMs, expiresUnixMs: issuedUnixMs + LIFE_MS }
      }
      await value()
      seen.isNeeded = false
      await advance(LIFE_MS - 1)
      expect(await value()).toBe('t1')
      await advance(1)
      expect(await value()).toBe('t2')
    },
  )

  it('that seems to have ended before it came is used all the same, and not asked for all the time', async () => {
    const { seen, answer, value, credential } = issuer()
    answer.next = () => ({ value: `t${seen.fetches}`, expiresUnixMs: Date.now() - 3_600_000 })
    expect(await value()).toBe('t1')
    await advance(10_000)
    expect(seen.fetches).toBeGreaterThan(1)
    expect(seen.fetches).toBeLessThanOrEqual(15)
    credential.stop()
  })

  it('that cannot be renewed is used until its end, while it is tried again', async () => {
    const { seen, answer, value, codeOf } = issuer()
    await value()
    answer.next = down
    await advance(LIFE_MS - 1)
    expect(await value()).toBe('t1')
    expect(seen.fetches).toBeGreaterThanOrEqual(4)
    expect(seen.fetches).toBeLessThanOrEqual(7)
    await advance(1)
    expect(await codeOf()).toBe('CREDENTIAL_FAILED')
    answer.next = () => ({ value: 'late' })
    await advance(60_000)
    expect(await value()).toBe('late')
  })

  it('that is refused gives that reason at once, and is asked for ever more slowly', async () => {
    const { seen, answer, codeOf, credential } = issuer()
    answer.next = refused
    const asked: number[] = []
    for (let passed = 0; passed < 3_600_000; passed += 1_000) {
      const before = seen.fetches
      expect(await codeOf()).toBe('CREDENTIAL_REFUSED')
      if (seen.fetches > before) asked.push(Date.now())
      await advance(1_000)
    }
    const pauses = asked.slice(1).map((at, n) => at - asked[n]!)
    expect(pauses[0]).toBeGreaterThanOrEqual(5_000)
    expect(pauses.at(-1)).toBeGreaterThan(200_000)
    expect(asked.length).toBeLessThanOrEqual(15)
    credential.stop()
  })

  it('whose request never ends costs its own time limit, and a late answer changes nothing', async () => {
    const { seen, answer, codeOf, credential } = issuer()
    let finish = (_issued: IssuedCredential) => {}
    answer.next = () => new Promise((resolve) => (finish = resolve))
    const code = codeOf()
    await advance(TIMEOUT_MS)
    expect(await code).toBe('CREDENTIAL_FAILED')
    finish({ value: 'too late' })
    answer.next = () => ({ value: 'in time' })
    await advance(1_000)
    expect(await codeOf()).toBe('in time')
    expect(seen.fetches).toBe(2)
    credential.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that was denied is renewed once, and not again before one has been accepted', async () => {
    const { seen, value, codeOf, credential } = issuer()
    credential.denied(await value())
    // Somebody else was late with the same complaint.
    credential.denied('t1')
    expect(await value()).toBe('t2')
    credential.denied('t2')
    expect(await codeOf()).toBe('CREDENTIAL_REFUSED')
    expect(seen.fetches).toBe(2)
    expect(credential.pauseMs).toBeGreaterThanOrEqual(5_000)
    await advance(10_000)
    expect(await value()).toBe('t3')
    credential.denied('t3')
    expect(credential.pauseMs).toBeGreaterThanOrEqual(10_000)
    await advance(20_000)
    await value()
    credential.accepted()
    credential.denied('t4')
    expect(await value()).toBe('t5')
    credential.stop()
  })

  it.each([[{ value: '' }], [{}], [undefined]])('is not %j', async (issued) => {
    const { answer, codeOf, credential } = issuer()
    answer.next = () => issued as IssuedCredential
    expect(await codeOf()).toBe('CREDENTIAL_FAILED')
    credential.stop()
  })
})
