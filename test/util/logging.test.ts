import fc from 'fast-check'
import { type BaseLogger } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  asyncLocalStorage,
  colorFactory,
  COLORS,
  defaultLoggerFactory,
  type Logger,
  LoggerFactoryProvider,
  makeLogger,
} from '../../src/util/logging'
import { OwnedStore } from '../../src/util/owner'
import { CensorList, secretEntry } from '../../src/util/redaction'
import { awkwardSecret, encodings } from './secrets'

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** Keeps the lines that a default factory writes. */
const capture = () => {
  const lines: string[] = []
  const factory = defaultLoggerFactory({ write: (line) => void lines.push(line) })
  const records = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { lines, records, factory, logger: factory.child({ layer: 'Test' }) as unknown as Logger }
}

/** A fresh copy of the module, whose provider has no factory yet. */
const freshModule = async () => {
  vi.resetModules()
  return import('../../src/util/logging.js')
}

const fakeLogger = () =>
  Object.fromEntries(LEVELS.map((level) => [level, vi.fn()])) as Record<
    (typeof LEVELS)[number],
    ReturnType<typeof vi.fn>
  >

afterEach(() => {
  CensorList.set([])
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('the default logger factory', () => {
  beforeEach(() => {
    vi.stubEnv('LOG_LEVEL', 'trace')
  })

  it('writes one JSON object per line with level, times, layer and message, and without colour', () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_123)
    const { lines, records, factory } = capture()
    factory.child({ layer: 'Cache', color: '#' }).warn({ attempt: 2 }, 'connection closed')
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(records()[0]).toMatchObject({
      level: 'warn',
      time: 1_700_000_000_123,
      isoTime: '2023-11-14T22:13:20.123Z',
      layer: 'Cache',
      attempt: 2,
      msg: 'connection closed',
    })
    expect(records()[0]).not.toHaveProperty('color')
  })

  it('takes the level from the environment, in any letter case, and info without one', () => {
    vi.stubEnv('LOG_LEVEL', 'WARN')
    const strict = capture()
    strict.logger.info('hidden')
    strict.logger.warn('shown')
    expect(strict.records().map(({ msg }) => msg)).toEqual(['shown'])
    vi.stubEnv('LOG_LEVEL', undefined)
    const plain = capture()
    plain.logger.debug('hidden')
    plain.logger.info('shown')
    expect(plain.records().map(({ msg }) => msg)).toEqual(['shown'])
  })

  it('adds the correlation id of the request, if there is one', () => {
    const { records, logger } = capture()
    asyncLocalStorage.run({ correlationId: 'abc' }, () => logger.info('inside'))
    logger.info('outside')
    expect(records()[0]).toHaveProperty('correlationId', 'abc')
    expect(records()[1]).not.toHaveProperty('correlationId')
  })

  it('adds no correlation id when that is switched off', () => {
    vi.stubEnv('CORRELATION_ID_ENABLED', 'false')
    const { records, logger } = capture()
    asyncLocalStorage.run({ correlationId: 'abc' }, () => logger.info('inside'))
    expect(records()[0]).not.toHaveProperty('correlationId')
  })

  it('shows errors with message, stack and cause', () => {
    const { records, logger } = capture()
    logger.error(new Error('outer', { cause: new Error('inner') }))
    logger.error({ error: new Error('named') }, 'failed')
    expect(records()[0]).toMatchObject({ msg: 'outer', err: { type: 'Error', message: 'outer: inner' } })
    expect(records()[1]).toMatchObject({ error: { message: 'named' } })
  })

  describe('where debug is off', () => {
    beforeEach(() => vi.stubEnv('LOG_LEVEL', 'info'))

    const unreachable = () =>
      Object.assign(new RangeError('Could not connect', { cause: new Error('refused') }), { code: 'E_NO' })

    it('shows an error without its stack, and says nothing twice', () => {
      const { records, lines, logger } = capture()
      logger.error({ err: unreachable() }, 'The stream failed: Could not connect: refused')
      logger.error({ err: unreachable() }, 'The stream failed')
      logger.error(unreachable())
      expect(records().map(({ err, msg }) => ({ err, msg }))).toEqual([
        { err: { type: 'RangeError', code: 'E_NO' }, msg: 'The stream failed: Could not connect: refused' },
        {
          err: { type: 'RangeError', message: 'Could not connect: refused', code: 'E_NO' },
          msg: 'The stream failed',
        },
        {
          err: { type: 'RangeError', message: 'Could not connect: refused', code: 'E_NO' },
          msg: 'Could not connect',
        },
      ])
      expect(lines.join('')).not.toContain('    at ')
    })

    it('shows where an error that nobody expected comes from, in one place', () => {
      const { records, logger } = capture()
      logger.error({ err: new TypeError('x is not a function') }, 'The handler failed')
      logger.error(
        { error: { name: 'Error', message: 'no', stack: 'Error: no\n    at mine (/a.ts:1:2)' } },
        'no',
      )
      expect(records()[0]!['err']).toMatchObject({
        at: expect.stringMatching(/logging\.test\.ts:\d+:\d+/) as string,
      })
      expect(records()[1]!['error']).toEqual({ name: 'Error', at: 'mine (/a.ts:1:2)' })
    })

    it('shows no stack of an error in an error', () => {
      const { lines, logger } = capture()
      const inner = Object.assign(new Error('inner'), { code: 'A' })
      logger.error(
        { err: Object.assign(new AggregateError([inner], 'outer'), { code: 'B', inner }) },
        'failed',
      )
      expect(lines.join('')).not.toMatch(/\\n +at /)
      expect(lines.join('')).toContain('inner')
    })
  })

  it('writes whole milliseconds, and all other numbers as they are', () => {
    const { records, logger } = capture()
    const fields = { waitMs: 1818.9894, tookMs: 3, price: 1818.9894, endMs: 'now' }
    logger.info(fields, 'x')
    expect(records()[0]).toMatchObject({ waitMs: 1819, tookMs: 3, price: 1818.9894, endMs: 'now' })
    expect(fields.waitMs).toBe(1818.9894)
  })

  it('names the instance in every line, where it has a name', () => {
    vi.stubEnv('INSTANCE', 'eu-1')
    const { records, logger } = capture()
    logger.info('x')
    expect(records()[0]).toMatchObject({ instance: 'eu-1', pid: process.pid })
    vi.stubEnv('INSTANCE', undefined)
    const nameless = capture()
    nameless.logger.info('x')
    expect(nameless.records()[0]).not.toHaveProperty('instance')
  })

  it('names the adapter and the endpoint that code runs for, unless the line does', () => {
    const { records, logger } = capture()
    asyncLocalStorage.run(new OwnedStore('id', 'ACME', 'price'), () => {
      logger.info('x')
      logger.info({ endpoint: 'other' }, 'x')
    })
    expect(records()[0]).toMatchObject({ adapter: 'ACME', endpoint: 'price', correlationId: 'id' })
    expect(records()[1]).toMatchObject({ adapter: 'ACME', endpoint: 'other' })
  })

  it('SC-1: lets no secret into a line, in any encoding, wherever it was put', () => {
    const ways = fc.constantFrom(
      (log: Logger, secret: string) => log.info(secret),
      (log: Logger, secret: string) => log.debug({ url: `wss://h.example/?k=${encodeURIComponent(secret)}` }),
      (log: Logger, secret: string) => log.trace({ a: { b: { c: [secret, 1] } } }, 'deep %s', secret),
      (log: Logger, secret: string) => log.error(new Error(`bad ${secret}`, { cause: new Error(secret) })),
      (log: Logger, secret: string) =>
        log.warn({ err: Object.assign(new Error('x'), { config: { secret } }) }),
      (log: Logger, secret: string) => log.fatal({ body: JSON.stringify({ [secret]: secret }) }),
      (log: Logger, secret: string) =>
        log.info({ auth: { toJSON: () => ({ basic: encodings(secret).base64 }) } }, 'x'),
      (log: Logger, secret: string) => asyncLocalStorage.run({ correlationId: secret }, () => log.info('x')),
    )
    fc.assert(
      fc.property(awkwardSecret, ways, (secret, write) => {
        CensorList.set([secretEntry('API_KEY', secret)])
        const { lines, records, logger } = capture()
        write(logger, secret)
        expect(lines).toHaveLength(1)
        expect(records()[0]).toHaveProperty('layer', 'Test')
        expect(lines[0]).toContain('[API_KEY REDACTED]')
        for (const form of Object.values(encodings(secret))) expect(lines[0]).not.toContain(form)
      }),
      { numRuns: 300 },
    )
  })

  it('keeps every number and the level, whatever digits or words the secrets are', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 999 }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (secret, price) => {
          const words = ['info', 'level', 'msg', 'time'].map((word) => secretEntry('WORD', word))
          CensorList.set([secretEntry('PIN', String(secret)), ...words])
          const { records, logger } = capture()
          logger.info({ price, list: [secret] }, 'message')
          const [record] = records()
          expect(record).toMatchObject({ level: 'info', price: JSON.parse(JSON.stringify(price)) as number })
          expect(record).toMatchObject({ list: [secret], msg: 'message' })
          expect(typeof record?.time).toBe('number')
        },
      ),
    )
  })

  it('does not look for secrets in lines of a level that is off', () => {
    vi.stubEnv('LOG_LEVEL', 'info')
    CensorList.set([secretEntry('API_KEY', 'abcdef')])
    const { lines, logger } = capture()
    const toJSON = vi.fn()
    logger.debug({ toJSON }, 'off')
    expect(toJSON).not.toHaveBeenCalled()
    expect(lines).toEqual([])
  })
})

describe('makeLogger', () => {
  it('throws from its methods while there is no factory, and works once there is', async () => {
    const fresh = await freshModule()
    const logger = fresh.makeLogger('Early')
    expect(() => logger.info('x')).toThrow(
      'The logger factory provider does not have a factory set, you need to set one before executing any logging methods.',
    )
    const child = fakeLogger()
    fresh.LoggerFactoryProvider.set({ child: () => child as unknown as BaseLogger })
    logger.info('x')
    expect(child.info).toHaveBeenCalledWith('x')
  })

  it('makes the real logger once, at the first call, even through a method kept from before', () => {
    const child = fakeLogger()
    const factory = { child: vi.fn(() => child as unknown as BaseLogger) }
    LoggerFactoryProvider.set(factory)
    const logger = makeLogger('Layer')
    const { debug } = logger
    expect(factory.child).not.toHaveBeenCalled()
    debug('one')
    debug('two')
    logger.warn('three')
    expect(factory.child).toHaveBeenCalledExactlyOnceWith({
      layer: 'Layer',
      color: expect.stringContaining('\u001b[') as string,
    })
    expect(child.debug.mock.calls).toEqual([['one'], ['two']])
  })

  it('calls the methods of the default logger directly after the first call', () => {
    vi.stubEnv('LOG_LEVEL', 'info')
    const { factory, records } = capture()
    vi.stubEnv('LOG_LEVEL', 'fatal')
    LoggerFactoryProvider.set(factory)
    const logger = makeLogger('Direct')
    logger.info('first')
    expect(logger.debug.name).toBe('bound noop')
    logger.info({ n: 1 }, 'second')
    expect(records().map(({ msg, layer }) => [msg, layer])).toEqual([
      ['first', 'Direct'],
      ['second', 'Direct'],
    ])
  })

  it('SC-1: redacts every argument for an injected logger, errors included', () => {
    const child = fakeLogger()
    LoggerFactoryProvider.set({ child: () => child as unknown as BaseLogger })
    CensorList.set([secretEntry('API_KEY', 's3cr3t-value')])
    const error = new Error('key s3cr3t-value', { cause: new Error('s3cr3t-value') })
    makeLogger('Layer').error({ err: error }, 'failed with %s', 's3cr3t-value')
    const [fields, message, argument] = child.error.mock.calls[0] as [{ err: Error }, string, string]
    expect(fields.err).toBeInstanceOf(Error)
    expect([fields.err.message, fields.err.stack, (fields.err.cause as Error).stack].join()).not.toContain(
      's3cr3t',
    )
    expect([message, argument]).toEqual(['failed with %s', '[API_KEY REDACTED]'])
  })

  it('gives an injected logger the very same arguments when there is nothing to hide', () => {
    const child = fakeLogger()
    LoggerFactoryProvider.set({ child: () => child as unknown as BaseLogger })
    CensorList.set([secretEntry('API_KEY', 's3cr3t-value')])
    const fields = { deep: { list: [1] } }
    makeLogger('Layer').info(fields, 'fine')
    expect(child.info.mock.calls[0]?.[0]).toBe(fields)
  })

  it('gives an injected logger a safe text instead of a value that cannot be looked into', () => {
    const child = fakeLogger()
    LoggerFactoryProvider.set({ child: () => child as unknown as BaseLogger })
    CensorList.set([secretEntry('API_KEY', 's3cr3t-value')])
    const hostile = {
      toJSON() {
        throw new Error('no')
      },
    }
    makeLogger('Layer').info(hostile, 's3cr3t-value')
    expect(child.info).toHaveBeenCalledWith('[Unknown]', '[API_KEY REDACTED]')
  })

  it('does not redact for an injected logger whose level is off, and does without methods it lacks', () => {
    const child = { debug: vi.fn(), isLevelEnabled: (level: string) => level === 'info' }
    LoggerFactoryProvider.set({ child: () => child as unknown as BaseLogger })
    const logger = makeLogger('Layer')
    logger.debug('off')
    logger.info('missing')
    expect(child.debug).not.toHaveBeenCalled()
  })
})

describe('LoggerFactoryProvider', () => {
  it('gives back what was set, and makes the default factory when given none', () => {
    const factory = { child: () => fakeLogger() as unknown as BaseLogger }
    LoggerFactoryProvider.set(factory)
    expect(LoggerFactoryProvider.get()).toBe(factory)
    LoggerFactoryProvider.set()
    expect(LoggerFactoryProvider.get()).not.toBe(factory)
  })

  it('does not warn through an injected logger that it replaces another', () => {
    const [first, second] = [fakeLogger(), fakeLogger()]
    LoggerFactoryProvider.set({ child: () => first as unknown as BaseLogger })
    LoggerFactoryProvider.set({ child: () => second as unknown as BaseLogger })
    expect(first.warn).not.toHaveBeenCalled()
    expect(second.warn).not.toHaveBeenCalled()
  })
})

describe('colorFactory', () => {
  it('deals out all colours in turn and starts over', () => {
    const next = colorFactory(['a', 'b', 'c'])
    expect([next(), next(), next(), next()]).toEqual(['a', 'b', 'c', 'a'])
    expect(new Set(COLORS).size).toBe(COLORS.length)
  })
})
