import { afterEach, describe, expect, it, vi } from 'vitest'
import { type BaseLogger } from 'pino'
import { belongsTo, named, ownerOf } from '../../src/util/line-owner'
import { defaultLoggerFactory, LoggerFactoryProvider, makeLogger } from '../../src/util/logging'

afterEach(() => vi.unstubAllEnvs())

/** A logger whose lines are kept, and a thing that belongs to an adapter. */
const rig = () => {
  vi.stubEnv('LOG_LEVEL', 'info')
  const lines: string[] = []
  LoggerFactoryProvider.set(defaultLoggerFactory({ write: (line) => void lines.push(line) }))
  const logger = makeLogger('Layer')
  const thing = {}
  belongsTo(thing, { adapter: 'ACME', endpoint: 'price' })
  return { logger, thing, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('a line about a thing', () => {
  it('names the adapter and the endpoint that it belongs to, however it is logged', () => {
    const { logger, thing, records } = rig()
    named(logger, thing).warn('text')
    named(logger, thing).warn({ a: 1 }, 'text')
    named(logger, thing).error(new Error('text'))
    named(logger, thing).error({ err: new Error('text') })
    expect(records()).toHaveLength(4)
    for (const record of records())
      expect(record).toMatchObject({ adapter: 'ACME', endpoint: 'price', msg: 'text', layer: 'Layer' })
    expect(records()[1]).toMatchObject({ a: 1 })
  })

  it('says what it says itself, whoever the thing belongs to', () => {
    const { logger, thing, records } = rig()
    named(logger, thing).warn({ endpoint: 'other' }, 'text')
    expect(records()[0]).toMatchObject({ adapter: 'ACME', endpoint: 'other' })
  })

  it('is a plain line where the thing belongs to nobody', () => {
    const { logger, records } = rig()
    expect(ownerOf({})).toBeUndefined()
    named(logger, {}).warn('text')
    expect(records()[0]).not.toHaveProperty('adapter')
  })

  it('reaches an injected logger with the very same arguments', () => {
    const { thing } = rig()
    const warn = vi.fn()
    LoggerFactoryProvider.set({ child: () => ({ warn }) as unknown as BaseLogger })
    named(makeLogger('Layer'), thing).warn('text')
    const fields = { a: 1 }
    named(makeLogger('Layer'), thing).warn(fields, 'text')
    expect(warn.mock.calls).toEqual([['text'], [fields, 'text']])
  })
})
