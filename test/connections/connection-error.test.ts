import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { connectionError, couldNotConnect, reasonOf } from '../../src/connections/connection-error'
import { LinkKeeper } from '../../src/connections/link-keeper'
import { Retry } from '../../src/connections/retry'
import { metrics } from '../../src/metrics/registry'
import { exponentialBackoff } from '../../src/util/backoff'
import { LoggerFactoryProvider } from '../../src/util/logging'
import { AdapterConnectionError } from '../../src/validation/errors'
import { eventually } from '../helpers/eventually'
import { refusingHost } from '../helpers/two-addresses'
import { call } from './support'

const lines: string[] = []
const log = (fields: unknown, text?: string) => void lines.push(text ?? String(fields))

beforeAll(() => {
  const child = () => ({ warn: log, error: log, info: log, debug: log, isLevelEnabled: () => true })
  LoggerFactoryProvider.set({ child } as never)
  metrics.initialize()
})

afterEach(() => {
  vi.restoreAllMocks()
  lines.length = 0
})

describe('a host that refuses at each of its addresses', () => {
  it('is named with what each said, to whoever dials', async () => {
    const { host, parts } = await refusingHost()
    const message = `Could not connect: ${parts}`
    await expect(call(`ws://${host}/`)).rejects.toMatchObject({
      message,
      reason: { code: 'CONNECTION_REFUSED', message },
      cause: { code: 'ECONNREFUSED' },
    })
  })

  it('is named so in logs, status and reason of what is kept open', async () => {
    const { host, parts } = await refusingHost()
    const keeper = new LinkKeeper({
      url: `ws://${host}/`,
      open: (signal) => call(`ws://${host}/`, {}, signal),
      retry: new Retry(exponentialBackoff({ minMs: 60_000, maxMs: 60_000, factor: 1 })),
    })
    onTestFinished(() => keeper.stop())
    keeper.start()
    await eventually(() => expect(keeper.state).toBe('waiting'))
    const told = { code: 'CONNECTION_REFUSED', message: `Could not connect: ${parts}` }
    expect(keeper.outage()).toMatchObject(told)
    expect(keeper.status().lastError).toMatchObject(told)
    expect(lines).toEqual([`No connection: Could not connect: ${parts}`])
  })
})

const nodeError = (code: string, message: string) => Object.assign(new Error(message), { code })
const both = (...errors: Error[]) => new AggregateError(errors)

describe('the code of a failed connection', () => {
  it.each([
    ['refused', nodeError('ECONNREFUSED', 'x'), 'CONNECTION_REFUSED'],
    ['not found', nodeError('ENOTFOUND', 'x'), 'HOST_NOT_FOUND'],
    ['too late', nodeError('ETIMEDOUT', 'x'), 'CONNECTION_TIMEOUT'],
    ['with another certificate', nodeError('ERR_TLS_CERT_ALTNAME_INVALID', 'x'), 'TLS_FAILED'],
    ['answered', new Error('Unexpected server response: 403'), 'HANDSHAKE_REFUSED'],
    ['reset', nodeError('ECONNRESET', 'x'), 'CONNECTION_FAILED'],
    ['nothing that is known', undefined, 'CONNECTION_FAILED'],
    [
      'refused at one address and unreachable at the other',
      both(nodeError('ENETUNREACH', 'a'), nodeError('ECONNREFUSED', 'b')),
      'CONNECTION_REFUSED',
    ],
  ])('%s', (_what, error, code) => {
    expect(couldNotConnect({ error, message: error?.message ?? '' }).reason).toMatchObject({ code })
  })
})

describe('the reason of an error', () => {
  it('is what an error of ours says, and absent elsewhere', () => {
    const error = connectionError('CONNECTION_TIMEOUT', 'too late', 'why')
    expect(error).toBeInstanceOf(AdapterConnectionError)
    expect(error).toMatchObject({ statusCode: 502, message: 'too late', cause: 'why' })
    expect(reasonOf(error)).toEqual({
      code: 'CONNECTION_TIMEOUT',
      message: 'too late',
      sinceUnixMs: expect.any(Number) as number,
    })
    const others = [undefined, null, 'text', new Error('x'), { reason: 'a word' }, { reason: null }]
    for (const other of others) expect(reasonOf(other)).toBeUndefined()
    expect(reasonOf(new AdapterConnectionError({}, error.timestamps))).toBeUndefined()
  })
})
