import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type PushContent, type PushRow } from '../push/content'
import { type PushMode } from '../push/mode'
import { pushToStrapi, type PushServer } from '../push/push-transfer'
import { isCommitted } from '../push/verification'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { PushPeer, type Reaction, type Row } from './push-peer'

const PRICE = 'api::price.price'
const price = (base = 'BTC', attributes: Record<string, unknown> = {}): PushRow => ({
  type: PRICE,
  attributes: { base, quote: 'USD', value: '65000.5', ...attributes },
})
const venue: PushRow = { type: 'api::venue.venue', attributes: { name: 'alpha' } }
const linked = (): PushContent => {
  const from = price()
  return { rows: [venue, from], links: [{ from, field: 'venue', to: venue }] }
}
const APPEND: PushMode = { kind: 'append' }
const MATCHING: PushMode = { kind: 'replace-matching', type: PRICE, matches: [{ base: 'BTC', quote: 'USD' }] }
const TYPES: PushMode = { kind: 'replace-types', types: [PRICE, 'api::venue.venue'] }

const START = ['init', 'bootstrap', 'getMetadata', 'getSchemas']
const ENTITIES = ['start entities', 'stream entities', 'end entities']
const LINKS = ['start links', 'stream links', 'end links']

describe('a push', () => {
  let peer: PushPeer
  let stop: AbortController
  let server: PushServer

  beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
  beforeEach(async () => {
    peer = await PushPeer.start()
    stop = new AbortController()
    server = { adminUrl: peer.adminUrl, token: 'the-token', owner: 'test' }
  })
  afterEach(() => {
    vi.useRealTimers()
    return peer[Symbol.asyncDispose]()
  })

  const push = (content: PushContent, mode: PushMode = APPEND, options: Partial<PushServer> = {}) =>
    pushToStrapi({ ...server, ...options }, content, mode, stop.signal)

  /** From here on nothing is late before the test says so. */
  const holdClock = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const asked = (label: string, times = 1) =>
    peer.until(() => peer.pushed.filter((one) => one === label).length === times)

  it('appends without deleting, closes, ends, and closes its socket with 1000', async () => {
    const outcome = await push({ rows: [price()] })
    expect(outcome).toMatchObject({ kind: 'committed' })
    expect(peer.pushed).toEqual([...START, ...ENTITIES, 'close', 'end'])
    await peer.until(() => peer.closes.length === 1)
    expect(peer.closes).toEqual([1000])
    expect(peer.rows).toHaveLength(1)
    expect(outcome.kind === 'committed' && outcome.documents.map(({ documentId }) => documentId)).toEqual(
      peer.documentIds,
    )
  })

  it('says in init what is to be deleted, in every mode, and everything else that is not', async () => {
    for (const mode of [APPEND, MATCHING]) await push({ rows: [price()] }, mode)
    await push(linked(), TYPES)
    const inits = peer.frames.filter(({ command }) => command === 'init')
    const restores = inits.map(({ params }) => (params as { options: { restore: object } }).options.restore)
    const others = { assets: false, configuration: { coreStore: false, webhook: false } }
    expect(restores).toEqual([
      { entities: { include: [] }, ...others },
      { entities: { include: [PRICE], params: { where: { base: 'BTC', quote: 'USD' } } }, ...others },
      { entities: { include: [PRICE, 'api::venue.venue'] }, ...others },
    ])
  })

  it('deletes after the check of the schemas and before anything is written, in the order of the stages', async () => {
    expect(await push(linked(), TYPES)).toMatchObject({ kind: 'committed' })
    expect(peer.pushed).toEqual([...START, 'beforeTransfer', ...ENTITIES, ...LINKS, 'close', 'end'])
  })

  it('sends many rows in messages of at most a hundred, each after the answer to the last', async () => {
    const rows = Array.from({ length: 250 }, (_, n) => price(`B${n}`))
    expect(await push({ rows })).toMatchObject({ kind: 'committed' })
    const streams = peer.frames
      .filter(({ action }) => action === 'stream')
      .map(({ data }) => (data as Row[]).length)
    expect(streams).toEqual([100, 100, 50])
  })

  it.each([
    ['an unsafe mode', { kind: 'replace-types', types: ['admin::user'] }, 'mode-unsafe'],
    ['an admin URL that is none', APPEND, 'url-invalid', { adminUrl: 'ftp://127.0.0.1/admin' }],
  ] as [string, PushMode, string, Partial<PushServer>?][])(
    'does not even connect with %s',
    async (_name, mode, reason, options) => {
      expect(await push({ rows: [price()] }, mode, options)).toMatchObject({
        kind: 'unchanged',
        error: { reason },
      })
      expect(peer.mostOpen).toBe(0)
    },
  )

  it('refuses a server that is too old before it opens a transaction', async () => {
    peer.capabilities = {}
    expect(await push({ rows: [price()] })).toMatchObject({ error: { reason: 'version-unsupported' } })
    expect(peer.pushed).toEqual(['init'])
  })

  it('refuses a server before 5.53, and ends the transaction that it had to open to know', async () => {
    peer.version = '5.52.1'
    expect(await push({ rows: [price()] })).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'version-unsupported' },
    })
    expect(peer.pushed).toEqual(['init', 'bootstrap', 'getMetadata', 'rollback', 'end'])
  })

  it('rolls back before anything is deleted when rows do not fit the schemas', async () => {
    expect(await push({ rows: [price('BTC', { value: 'x' })] }, TYPES)).toMatchObject({
      error: { reason: 'rows-invalid' },
    })
    expect(peer.pushed).toEqual([...START, 'rollback', 'end'])
  })

  const order = {
    error: "It's not possible to start a new transfer stage (entities) while …",
    step: 'transfer',
  }
  it.each([
    ['init', order, [], []],
    ['bootstrap', { error: 'Invalid strategy merge', step: 'validation' }, ['init'], []],
    ['getMetadata', order, START.slice(0, 2), ['rollback', 'end']],
    ['getSchemas', { data: null }, START.slice(0, 3), ['rollback', 'end']],
    ['beforeTransfer', { error: 'restore failed SqliteError: …' }, START, ['rollback', 'end']],
    ['start entities', order, [...START, 'beforeTransfer'], ['rollback', 'end']],
    ['start entities', { data: null }, [...START, 'beforeTransfer'], ['rollback', 'end']],
    ['end entities', order, [...START, 'beforeTransfer', ...ENTITIES.slice(0, 2)], ['rollback', 'end']],
    ['start links', order, [...START, 'beforeTransfer', ...ENTITIES], ['rollback', 'end']],
  ] as [string, Reaction, string[], string[]][])(
    'after an error of "%s" it rolls back if there is something to, ends, and closes',
    async (label, reaction, before, after) => {
      peer.react(label, reaction)
      expect(await push(linked(), TYPES)).toMatchObject({ kind: 'unchanged' })
      expect(peer.pushed).toEqual([...before, label, ...after])
      await peer.until(() => peer.closes.length === 1)
      expect(peer.closes).toEqual([1000])
      expect(peer.rows).toEqual([])
    },
  )

  it.each(['entities', 'links'])(
    'only closes its socket after an error in a stream of %s: the server has rolled back',
    async (step) => {
      peer.react(`stream ${step}`, { error: 'Expected a valid Number, got not-a-number' })
      expect(await push(linked(), TYPES)).toMatchObject({
        kind: 'unchanged',
        error: { reason: 'server-error' },
      })
      expect(peer.pushed.at(-1)).toBe(`stream ${step}`)
      await peer.until(() => peer.closes.length === 1)
      expect(peer.closes).toEqual([1000])
    },
  )

  it.each([
    ['fewer', { ok: true, stats: { started: 1, finished: 0 } }],
    ['more', { ok: true, stats: { started: 2, finished: 2 } }],
    ['nobody knows how many', { ok: true }],
  ])('rolls back when the server wrote %s rows than it was sent', async (_name, data) => {
    peer.react('end entities', { data })
    expect(await push({ rows: [price()] })).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'count-mismatch' },
    })
    expect(peer.pushed.slice(-2)).toEqual(['rollback', 'end'])
  })

  it('rolls back when the server skipped a link, which it says in a warning only', async () => {
    peer.react('stream links', {
      warning: 'Skipping link api::price.price:1 -> api::venue.venue:1 because …',
    })
    expect(await push(linked(), TYPES)).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'loss-warning' },
    })
    expect(peer.pushed.slice(-2)).toEqual(['rollback', 'end'])
  })

  it('gives up a rollback that is not answered, sends no end after it, and cuts the connection', async () => {
    peer.react('start entities', order)
    peer.react('rollback', 'silent')
    holdClock()
    const pushing = push({ rows: [price()] }, APPEND, { retryMessageTimeout: 30 })
    await asked('rollback')
    await vi.advanceTimersByTimeAsync(30)
    expect(await pushing).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'order-refused' },
    })
    expect(peer.pushed.at(-1)).toBe('rollback')
    await peer.until(() => peer.closes.length === 1)
    expect(peer.closes).toEqual([1006])
  })

  it('sends no end after a rollback that was refused', async () => {
    peer.react('start entities', { error: 'Token expired', code: 'UnauthorizedError' })
    peer.react('rollback', { error: 'Token expired', code: 'UnauthorizedError' })
    expect(await push({ rows: [price()] })).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'token-expired' },
    })
    expect(peer.pushed.at(-1)).toBe('rollback')
  })

  it('asks again with the same uuid when there is no answer, and takes the second answer as none', async () => {
    peer.react('start entities', 'silent')
    holdClock()
    const pushing = push({ rows: [price()] }, APPEND, { retryMessageTimeout: 50 })
    await asked('start entities')
    await vi.advanceTimersByTimeAsync(50)
    expect(await pushing).toMatchObject({ kind: 'committed' })
    const starts = peer.frames.filter(({ action }) => action === 'start')
    expect(starts).toHaveLength(2)
    expect(starts[0]?.uuid).toBe(starts[1]?.uuid)
  })

  describe('whose connection is lost', () => {
    it.each(['init', 'bootstrap', 'beforeTransfer', 'stream entities', 'end links'])(
      'in "%s" has changed nothing, for certain',
      async (label) => {
        peer.react(label, 'cut')
        expect(await push(linked(), TYPES)).toMatchObject({
          kind: 'unchanged',
          error: { reason: 'connection-lost' },
        })
        expect(peer.rows).toEqual([])
      },
    )

    it.each(['cut', 'cut-after'] as const)(
      'in "close" (%s) may have changed something or not',
      async (reaction) => {
        peer.react('close', reaction)
        const outcome = await push({ rows: [price()] })
        expect(outcome).toMatchObject({ kind: 'unknown', error: { reason: 'connection-lost' } })
        const documents = outcome.kind === 'unknown' ? outcome.documents : []
        expect(await isCommitted(server, documents, stop.signal)).toBe(reaction === 'cut-after')
      },
    )

    it('in "end" has been committed', async () => {
      peer.react('end', 'cut')
      expect(await push({ rows: [price()] })).toMatchObject({ kind: 'committed' })
    })
  })

  it('is unknown when its close is not answered in time', async () => {
    peer.react('close', 'silent')
    peer.react('close', 'silent')
    const limits = { retryMessageTimeout: 30, retryMessageMaxRetries: 1 }
    holdClock()
    const pushing = push({ rows: [price()] }, APPEND, limits)
    for (const times of [1, 2]) {
      await asked('close', times)
      await vi.advanceTimersByTimeAsync(30)
    }
    expect(await pushing).toMatchObject({
      kind: 'unknown',
      error: { reason: 'request-timeout' },
    })
    expect(peer.pushed.slice(-2)).toEqual(['close', 'close'])
  })

  it('has changed nothing when its close was refused for the token', async () => {
    peer.react('close', { error: 'Token expired', code: 'UnauthorizedError' })
    expect(await push({ rows: [price()] })).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'token-expired' },
    })
    expect(peer.pushed.slice(-3)).toEqual(['close', 'rollback', 'end'])
  })

  it('is unknown when the server failed while it committed', async () => {
    peer.react('close', { error: 'SqliteError: database is locked' })
    expect(await push({ rows: [price()] })).toMatchObject({
      kind: 'unknown',
      error: { reason: 'server-error' },
    })
  })

  it('is broken off and so undone when it is stopped in the middle', async () => {
    peer.react('stream entities', 'silent')
    const pushing = push({ rows: [price()] })
    await peer.until(() => peer.pushed.includes('stream entities'))
    stop.abort()
    expect(await pushing).toMatchObject({ kind: 'unchanged', error: { reason: 'stopped' } })
    await peer.until(() => peer.closes.length === 1)
    expect(peer.closes).toEqual([1006])
  })

  it('is broken off after its time limit, and the next one gets its turn', async () => {
    peer.react('stream entities', 'silent')
    holdClock()
    const both = Promise.all([
      push({ rows: [price()] }, APPEND, { maxDurationMs: 200 }),
      push({ rows: [price()] }),
    ])
    await asked('stream entities')
    await vi.advanceTimersByTimeAsync(200)
    const [first, second] = await both
    expect(first).toMatchObject({ kind: 'unchanged', error: { reason: 'transfer-timeout' } })
    expect(second).toMatchObject({ kind: 'committed' })
  })

  it('waits for its turn: never are two with one server, however its URL is written', async () => {
    const slashed = { adminUrl: `${peer.adminUrl}/` }
    const outcomes = await Promise.all([
      push({ rows: [price('A')] }),
      push({ rows: [price('B')] }, APPEND, slashed),
      push({ rows: [price('C')] }, APPEND, { owner: 'another' }),
    ])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['committed', 'committed', 'committed'])
    expect(peer.mostOpen).toBe(1)
    expect(peer.rows.map(({ data }) => data.base)).toEqual(['A', 'B', 'C'])
  })

  it('names the owner of the turn when it waited in vain', async () => {
    peer.react('stream entities', 'silent')
    const first = push({ rows: [price()] }, APPEND, { owner: 'the first' })
    await peer.until(() => peer.pushed.includes('stream entities'))
    const second = await push({ rows: [price()] }, APPEND, { lockWaitMs: 20 })
    expect(second).toMatchObject({ kind: 'unchanged', error: { reason: 'server-in-use' } })
    expect(second.kind === 'unchanged' && second.error.message).toContain('the first')
    stop.abort()
    await first
  })

  it('is refused with a token that may not push, which it does not name', async () => {
    peer.refused.set('the-token', 403)
    const outcome = await push({ rows: [price()] })
    expect(outcome).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'token-not-permitted', kind: 'configuration' },
    })
    expect(
      JSON.stringify(outcome) + String(outcome.kind === 'unchanged' && outcome.error.stack),
    ).not.toContain('the-token')
  })

  it('keeps the words of the server and of rows out of its messages', async () => {
    peer.react('stream entities', { error: 'select * from `prices` where secret' })
    const outcome = await push({ rows: [price('SECRET-BASE')] })
    expect(outcome.kind === 'unchanged' && outcome.error.message).toBe(
      'The server refused the request "stream entities"',
    )
  })

  it('has one of the three outcomes, whatever the server answers', async () => {
    const labels = [...START, 'beforeTransfer', ...ENTITIES, 'close', 'end', 'rollback']
    const reaction = fc.oneof(
      fc.constantFrom<Reaction>('cut', 'cut-after'),
      fc.jsonValue().map((data) => ({ data })),
      fc.record({ error: fc.string(), step: fc.string(), code: fc.string() }),
      fc.record({ warning: fc.string() }),
    )
    const script = fc.array(fc.tuple(fc.constantFrom(...labels), reaction), { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        peer.reactions.clear()
        peer.labels.length = 0
        for (const [label, one] of steps) peer.react(label, one)
        const { kind } = await push({ rows: [price()] }, MATCHING)
        expect(['committed', 'unchanged', 'unknown']).toContain(kind)
        // Spec 11.3: `end` comes after `close` or `rollback` alone, and nothing but `end` after a rollback.
        const end = peer.pushed.indexOf('end')
        if (end >= 0) expect(['close', 'rollback']).toContain(peer.pushed[end - 1])
        expect(peer.pushed.filter((label) => label === 'rollback').length).toBeLessThanOrEqual(1)
        if (kind === 'unchanged') expect(peer.pushed.slice(-3)).not.toEqual(['close', 'end'])
      }),
      { numRuns: 150 },
    )
  })

  describe('looked up afterwards', () => {
    it('is not found where only other documents are', async () => {
      await push({ rows: [price()] })
      const [{ documentId } = { documentId: '' }] = peer.rows.map(
        ({ data }) => data as { documentId: string },
      )
      expect(await isCommitted(server, [{ type: PRICE, documentId }], stop.signal)).toBe(true)
      expect(await isCommitted(server, [{ type: 'api::venue.venue', documentId }], stop.signal)).toBe(false)
      expect(await isCommitted(server, [{ type: PRICE, documentId: 'another' }], stop.signal)).toBe(false)
    })

    it('tolerates items of any shape', async () => {
      peer.rows.push(
        ...([null, 1, 'x', {}, { type: 1 }, { type: PRICE, data: null }, []] as unknown as Row[]),
      )
      expect(await isCommitted(server, [{ type: PRICE, documentId: 'another' }], stop.signal)).toBe(false)
    })

    it('stays unknown when the content cannot be read to its end', async () => {
      peer.react('start entities', 'cut')
      await expect(
        isCommitted(server, [{ type: PRICE, documentId: 'x' }], stop.signal),
      ).rejects.toMatchObject({
        reason: 'connection-lost',
      })
    })
  })
})
