import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectionError } from '../../src/connections/connection-error'
import { ConnectionLife, type LifeState } from '../../src/connections/connection-life'

const T0 = 1_700_000_000_000

const CLOSED = { code: 'CONNECTION_CLOSED', message: 'It closed' }
const URL = { code: 'URL_FAILED', message: 'No URL' }

beforeEach(() => void vi.useFakeTimers({ now: T0 }))
afterEach(() => void vi.useRealTimers())

const pass = (ms: number) => vi.advanceTimersByTime(ms)

describe('the life of a connection', () => {
  it('is idle and has nothing to complain of at first', () => {
    const life = new ConnectionLife()
    expect(life.outage()).toBeUndefined()
    expect(life.status('wss://provider.example/?key=secret')).toEqual({
      role: 'client',
      state: 'idle',
      url: 'wss://provider.example',
      sinceUnixMs: T0,
      opened: 0,
    })
    expect(life.status('')).not.toHaveProperty('lastError')
  })

  it('keeps an outage as old as its first failure, names the latest, and ends it by opening', () => {
    const life = new ConnectionLife()
    pass(5_000)
    life.connecting()
    life.failed(connectionError('CONNECTION_REFUSED', 'Could not connect'))
    const sinceUnixMs = T0 + 5_000
    expect(life.outage()).toEqual({ code: 'CONNECTION_REFUSED', message: 'Could not connect', sinceUnixMs })
    pass(1_000)
    life.connecting()
    life.failed(new Error('no reason of ours'))
    expect(life.outage()).toEqual({
      code: 'CONNECTION_FAILED',
      message: 'Error: no reason of ours',
      sinceUnixMs,
    })
    expect(life.status('').lastError?.unixMs).toBe(T0 + 6_000)
    life.connecting()
    life.open()
    expect(life.outage()).toBeUndefined()
    pass(1_000)
    life.closing(CLOSED)
    life.trouble(URL)
    expect(life.outage()).toEqual({ ...URL, sinceUnixMs: T0 + 7_000 })
  })

  it('says when it is tried again, until it may be', () => {
    const life = new ConnectionLife()
    life.open()
    life.trouble(CLOSED)
    life.waiting(500)
    const nextAttemptUnixMs = T0 + 500
    expect(life.outage()).toEqual({ ...CLOSED, sinceUnixMs: T0, nextAttemptUnixMs })
    expect(life.status('')).toMatchObject({ state: 'waiting', nextAttemptUnixMs, opened: 1 })
    life.due()
    expect(life.outage()).toEqual({ ...CLOSED, sinceUnixMs: T0 })
    life.waiting(500)
    life.connecting()
    expect(life.status('')).not.toHaveProperty('nextAttemptUnixMs')
  })

  it('may have a trouble while it is open, and recover from it without being opened again', () => {
    const life = new ConnectionLife()
    life.open()
    life.trouble(URL)
    expect([life.state, life.outage()?.code]).toEqual(['open', 'URL_FAILED'])
    life.recovered()
    expect([life.state, life.outage(), life.status('').opened]).toEqual(['open', undefined, 1])
  })

  it('is in the state that was told last, and tells each', () => {
    const told: LifeState[] = []
    const life = new ConnectionLife((state) => told.push(state))
    life.connecting()
    life.open()
    life.closing(CLOSED)
    life.waiting(1)
    life.over('failed')
    life.over('stopped')
    expect(told).toEqual(['connecting', 'open', 'closing', 'waiting', 'failed', 'stopped'])
  })

  it('has been in its state since it was opened, or since it was open no more, and not since each attempt', () => {
    const life = new ConnectionLife()
    const steps = [
      () => life.connecting(),
      () => life.waiting(5),
      () => life.connecting(),
      () => life.open(),
      () => life.open(),
      () => life.closing(CLOSED),
      () => life.waiting(5),
      () => life.over('idle'),
    ]
    const sinces = steps.map((step) => {
      pass(1_000)
      step()
      return (life.status('').sinceUnixMs - T0) / 1_000
    })
    expect(sinces).toEqual([0, 0, 0, 4, 5, 6, 6, 6])
  })

  it('waits after an attempt that failed, and goes on where something else did', () => {
    const life = new ConnectionLife()
    const after = (step: () => void) => {
      step()
      life.failed(new Error('no'))
      return life.state
    }
    expect(after(() => {})).toBe('waiting')
    expect(after(() => life.connecting())).toBe('waiting')
    expect(after(() => life.open())).toBe('open')
    expect(after(() => life.closing(CLOSED))).toBe('closing')
    expect(after(() => life.over('stopped'))).toBe('stopped')
  })

  it('names the time of the next attempt in whole milliseconds, and none where others decide on it', () => {
    const life = new ConnectionLife()
    life.waiting(500.4)
    expect(life.status('').nextAttemptUnixMs).toBe(T0 + 500)
    life.waiting()
    expect(life.status('')).not.toHaveProperty('nextAttemptUnixMs')
  })

  describe('that may not be tried yet', () => {
    const PAUSED = { code: 'HANDSHAKE_REFUSED', message: 'a pause of 30 s' }
    const HOLD = { ...PAUSED, delayMs: 30_000 }
    const nextAttemptUnixMs = T0 + 30_000

    it('says so, where nothing else is wrong', () => {
      const life = new ConnectionLife()
      life.held(HOLD)
      expect(life.outage()).toEqual({ ...PAUSED, sinceUnixMs: T0, nextAttemptUnixMs })
      pass(1_000)
      life.held({ ...HOLD, delayMs: 29_000 })
      expect(life.outage()).toEqual({ ...PAUSED, sinceUnixMs: T0, nextAttemptUnixMs })
      expect([life.state, life.status('').lastError?.unixMs]).toEqual(['waiting', T0 + 1_000])
    })

    it('says it after what went wrong before, until that changes', () => {
      const life = new ConnectionLife()
      life.trouble(CLOSED)
      life.held(HOLD)
      const message = 'It closed; a pause of 30 s'
      expect(life.outage()).toEqual({ ...CLOSED, message, sinceUnixMs: T0, nextAttemptUnixMs })
      expect(life.status('').lastError).toEqual({ ...CLOSED, unixMs: T0 })
      life.waiting(5)
      expect(life.outage()?.message).toBe('It closed')
      life.held(HOLD)
      life.connecting()
      expect(life.outage()?.message).toBe('It closed')
    })
  })

  it('has an outage as old as the first trouble since it was last well, whatever happens', () => {
    const step = fc.constantFrom(
      'connecting',
      'open',
      'closing',
      'failed',
      'trouble',
      'waiting',
      'idle',
      'recovered',
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.nat({ max: 1_000 })), { maxLength: 30 }), (steps) => {
        const life = new ConnectionLife()
        let since: number | undefined
        for (const [name, ms] of steps) {
          pass(ms)
          if (name === 'open' || name === 'recovered') since = undefined
          if (name === 'failed' || name === 'trouble' || name === 'closing') since ??= Date.now()
          if (name === 'failed') life.failed(new Error('no'))
          else if (name === 'trouble' || name === 'closing') life[name](CLOSED)
          else if (name === 'idle') life.over('idle')
          else life[name]()
          expect(life.outage()?.sinceUnixMs).toBe(since)
        }
      }),
    )
  })
})
