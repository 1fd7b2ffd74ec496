import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Credential, type CredentialConfig, type IssuedCredential } from '../../src/connections/credential'
import { LoggerFactoryProvider } from '../../src/util/logging'

const warned: string[] = []

beforeAll(() =>
  LoggerFactoryProvider.set({
    child: () => ({ warn: (_: unknown, text: string) => void warned.push(text) }),
  } as never),
)
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

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

describe('how long a credential is good', () => {
  const lifeOf = async (issued: Omit<IssuedCredential, 'value'>) => {
    const { seen, answer, value, credential } = issuer()
    answer.next = () => ({ value: `t${seen.fetches}`, ...issued })
    await value()
    seen.isNeeded = false
    let seconds = 0
    for (; seconds < 100 && (await value()) === 't1'; seconds++) await advance(1_000)
    credential.stop()
    return seconds
  }
  const now = () => Date.now()

  it('is what its provider says of it, by the length first, and a second at least', async () => {
    expect(await lifeOf({ expiresInMs: 7_000 })).toBe(7)
    expect(await lifeOf({ expiresInMs: 7_000, expiresUnixMs: now() + 50_000 })).toBe(7)
    expect(await lifeOf({ expiresUnixMs: now() + 7_000 })).toBe(7)
    expect(await lifeOf({ expiresInMs: 1 })).toBe(1)
  })

  it('has no end where it is not said, or is no number', async () => {
    expect(await lifeOf({})).toBe(100)
    expect(await lifeOf({ expiresInMs: NaN })).toBe(100)
    expect(await lifeOf({ expiresUnixMs: NaN })).toBe(100)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is renewed when four fifths of it are over, or up to an eighth of that earlier', async () => {
    for (const [drawn, afterMs] of [
      [0, 70_000],
      [1, 80_000],
    ] as const) {
      vi.spyOn(Math, 'random').mockReturnValue(drawn)
      const { seen, value, credential } = issuer()
      await value()
      await advance(afterMs - 1)
      expect(seen.fetches).toBe(1)
      await advance(1)
      expect(seen.fetches).toBe(2)
      credential.stop()
    }
  })
})

describe('a credential that is not had', () => {
  const errorOf = (value: () => Promise<string>) => value().catch((error: unknown) => error)
  const failing = (error: unknown) => {
    const made = issuer()
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what must not be assumed of others
    made.answer.next = () => Promise.reject(error)
    return made
  }
  const withStatus = (of: object) => Object.assign(new Error('no'), of)

  it.each([
    withStatus({ response: { status: 400 } }),
    withStatus({ response: { status: 401 } }),
    withStatus({ response: { status: '403' } }),
    withStatus({ providerStatusCode: 401, statusCode: 502 }),
    withStatus({ statusCode: 403 }),
  ])('is refused: %o', async (error) => {
    const { value, credential } = failing(error)
    expect(await errorOf(value)).toMatchObject({
      reason: { code: 'CREDENTIAL_REFUSED', message: 'The credential was refused: no' },
      cause: error,
    })
    credential.stop()
  })

  it.each([
    [withStatus({ response: { status: 404 } }), 'no'],
    [withStatus({ response: { status: 500 }, statusCode: 401 }), 'no'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
  ])('cannot be had: %o', async (error, says) => {
    const { value, credential } = failing(error)
    const message = `The credential could not be had: ${says}`
    expect(await errorOf(value)).toMatchObject({ reason: { code: 'CREDENTIAL_FAILED', message } })
    credential.stop()
  })

  it('says what is wrong with it, or that it took too long', async () => {
    const none = issuer()
    none.answer.next = () => ({ value: 5 }) as never
    expect(await errorOf(none.value)).toMatchObject({
      reason: { message: 'The credential could not be had: what came is none' },
    })
    const late = issuer()
    late.answer.next = () => new Promise(() => {})
    const error = errorOf(late.value)
    await advance(TIMEOUT_MS)
    expect(await error).toMatchObject({
      reason: { message: 'The credential could not be had: there was none after 5000 ms' },
    })
    for (const { credential } of [none, late]) credential.stop()
  })

  it('is not asked for again before a pause is over, which it tells, and then by itself where it is needed', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { seen, answer, value, credential } = failing(new Error('no'))
    expect(credential.pauseMs).toBeUndefined()
    const first = await errorOf(value)
    expect(credential.pauseMs).toBe(500)
    await advance(400)
    expect([await errorOf(value), seen.fetches, credential.pauseMs]).toEqual([first, 1, 100])
    answer.next = () => ({ value: 'good' })
    await advance(100)
    expect(credential.pauseMs).toBeUndefined()
    // It is not renewed ahead where there has been none.
    expect(seen.fetches).toBe(1)
    expect(await value()).toBe('good')
    expect(credential.pauseMs).toBeUndefined()
  })

  it('begins anew with its pauses when it was had, and has others for refusals', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { seen, answer, credential, codeOf } = issuer()
    seen.isNeeded = false
    const pauseAfter = async (next: () => Promise<IssuedCredential>) => {
      answer.next = next
      await codeOf()
      const { pauseMs } = credential
      await advance(pauseMs!)
      return pauseMs
    }
    expect([await pauseAfter(down), await pauseAfter(down)]).toEqual([500, 1_000])
    expect([await pauseAfter(refused), await pauseAfter(refused)]).toEqual([5_000, 10_000])
    expect([await pauseAfter(down), await pauseAfter(refused)]).toEqual([2_000, 20_000])
    answer.next = () => ({ value: 'good', expiresInMs: 1 })
    await codeOf()
    await advance(1_000)
    expect(await pauseAfter(refused)).toBe(5_000)
    credential.stop()
  })

  it('is renewed again after a failure before its end, and is said to be good until then', async () => {
    warned.length = 0
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { seen, answer, value, credential } = issuer()
    await value()
    answer.next = down
    await advance(70_000)
    expect([seen.fetches, credential.pauseMs]).toEqual([2, undefined])
    answer.next = () => ({ value: 'next' })
    await advance(500)
    expect([seen.fetches, await value()]).toEqual([3, 'next'])
    expect(warned).toEqual(['A credential could not be renewed before its end'])
  })
})

describe('a credential that a provider does not take', () => {
  it('is told by how it closes a connection, as the adapter knows or as is usual', () => {
    const { credential } = issuer()
    const codes = [1000, 1006, 1008, 3000, 4000, 4001, 4401, 4403]
    const isAuthClose = (of: typeof credential) =>
      codes.filter((code) => of.isAuthClose({ code, reason: '' }))
    expect(isAuthClose(credential)).toEqual([1008, 3000, 4001, 4401, 4403])
    const own = issuer({ isAuthClose: ({ code, reason }) => code === 1000 && reason === '' }).credential
    expect(isAuthClose(own)).toEqual([1000])
  })

  it('is the one that is held: another one is left as it is, and its renewal too', async () => {
    const { seen, value, credential } = issuer()
    credential.denied('t0')
    await value()
    credential.denied('t0')
    expect(await value()).toBe('t1')
    await advance(LIFE_MS - 1)
    expect(seen.fetches).toBe(2)
    credential.stop()
  })

  it('is not renewed ahead: the next who needs one gets another', async () => {
    const { seen, value, credential } = issuer()
    credential.denied(await value())
    await advance(LIFE_MS)
    expect([seen.fetches, vi.getTimerCount()]).toEqual([1, 0])
    expect(await value()).toBe('t2')
    credential.stop()
  })

  it('says so to who asks, where it had just been given', async () => {
    const { value, credential } = issuer()
    for (let n = 0; n < 2; n++) credential.denied(await value())
    const message = 'The provider did not take a credential that it had just given'
    await expect(value()).rejects.toMatchObject({ reason: { code: 'CREDENTIAL_REFUSED', message } })
    credential.stop()
  })
})

describe('a credential that is not needed any more', () => {
  it('has its request aborted, and no timer left, be it renewed or not', async () => {
    const signals: AbortSignal[] = []
    const credential = new Credential<string>(
      {
        fetch: (_, signal) => {
          signals.push(signal)
          return new Promise(() => {})
        },
      },
      () => true,
    )
    const value = credential.value('context', TIMEOUT_MS).catch((error: unknown) => error)
    await advance(0)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    credential.stop()
    expect(await value).toMatchObject({ reason: { message: 'The credential could not be had: stopped' } })
    expect([signals[0]!.aborted, vi.getTimerCount()]).toEqual([true, 0])
  })

  it('sets no timer for one that comes too late', async () => {
    const { answer, value, credential } = issuer()
    credential.stop()
    answer.next = () => ({ value: 'late', expiresInMs: LIFE_MS })
    await value().catch(() => {})
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not hear of a stop after its request was answered', async () => {
    const signals: AbortSignal[] = []
    const fetch = (_: string, signal: AbortSignal) => {
      signals.push(signal)
      return { value: 'good' }
    }
    const credential = new Credential<string>({ fetch }, () => true)
    await credential.value('context', TIMEOUT_MS)
    expect(vi.getTimerCount()).toBe(0)
    credential.stop()
    expect(signals[0]!.aborted).toBe(false)
  })
})
