import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { AllowedTypes } from '../content-types'
import { TransferError } from '../errors'
import { Pull, type PullOptions } from '../pull'
import { type TransferOptions, TransferSession } from '../session'
import { readStage } from '../stage-reader'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { eventually, GUARD_MS } from '../../../test/helpers/eventually'
import { readTrace } from './push-peer'
import { TracePeer } from './trace-peer'

const never = new AbortController().signal
const everything = new AllowedTypes([
  'api::price.price',
  'api::venue.venue',
  'api::asset-rate.asset-rate',
  'plugin::upload.file',
])

const scenario = (name: string) => readTrace('error-traces').filter((line) => line.scenario === name)
const options = (peer: TracePeer, more: Partial<TransferOptions> = {}): TransferOptions => ({
  adminUrl: peer.adminUrl,
  token: 'a-token-of-tests',
  ...more,
})

const all = async <I>(batches: AsyncIterable<I[]>): Promise<I[]> => {
  const items: I[] = []
  for await (const batch of batches) items.push(...batch)
  return items
}

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a recorded pull', () => {
  it('reads the complete one, with the frames that were recorded', async () => {
    const lines = readTrace('pull-trace')
    await using peer = await TracePeer.start(lines.filter((line) => !isAboutStatus(line)))
    const pull = await Pull.open(options(peer), never)

    expect(await pull.getMetadata()).toEqual({ createdAt: '2026-11-22T05:53:35.251Z', version: '5.54.0' })
    expect(Object.keys(await pull.getSchemas())).toHaveLength(19)
    const rows = await all(pull.entities(everything))
    expect(rows).toHaveLength(60)
    expect(rows.filter(({ type }) => type === 'api::price.price')).toHaveLength(50)
    expect(rows.filter(({ type }) => type === 'api::asset-rate.asset-rate')).toHaveLength(5)

    const assets = await all(pull.assets())
    expect(assets.filter(({ is }) => is === 'end')).toHaveLength(2)
    const bytes = assets.flatMap((event) => (event.is === 'chunk' ? [event.data] : []))
    expect(Buffer.concat(bytes)).toHaveLength(150_032)
    expect(createHash('sha256').update(bytes[0]!).digest('hex')).toMatch(/^82d6c6f3/)

    const links = await all(pull.links(everything))
    expect(links).toHaveLength(112)
    const settings = await all(pull.configuration(new Set(['strapi_unidirectional-join-table-repair-ran'])))
    expect(settings).toEqual([{ key: 'strapi_unidirectional-join-table-repair-ran', value: true }])
    await pull.finish()

    expect(peer.differences).toEqual([])
    expect(peer.left).toBe(0)
    expect(peer.authorizations).toEqual(['Bearer a-token-of-tests'])
  })

  it('has `status` answered, and decides nothing by it: it says inactive in the middle of a pull', async () => {
    await using peer = await TracePeer.start(readTrace('pull-trace'))
    const session = await TransferSession.open('pull', options(peer), never)
    await session.init({ checksums: true })
    expect(await session.dispatcher.dispatchCommand({ command: 'status' })).toMatchObject({ active: false })
    await session.action('bootstrap')
    expect((await session.getMetadata()).version).toBe('5.54.0')
    expect(peer.differences).toEqual([])
    await session.leave()
  })

  it("says what Strapi's own client says, which ends without the command `end`", async () => {
    await using peer = await TracePeer.start(readTrace('official-client-pull-trace'))
    const session = await TransferSession.open('pull', options(peer), never)
    await session.init({ checksums: true })
    await session.action('bootstrap')
    await session.getMetadata()
    await session.getMetadata()
    await session.getSchemas()
    for (const stage of ['entities', 'assets', 'links', 'configuration'] as const)
      await all(readStage(session, stage, GUARD_MS))
    await session.action('close')
    await session.leave()

    expect(peer.differences).toEqual([])
    expect(peer.left).toBe(0)
  })

  it('reads assets of a server of 5.42, whose chunks are lists of bytes and which has no checksums', async () => {
    const lines = readTrace('legacy-5.42-trace').filter((line) => line.scenario === 'legacy-5.42-pull-assets')
    await using peer = await TracePeer.start(lines)
    const pull = await Pull.open(options(peer), never)
    expect((await pull.getMetadata()).version).toBe('5.42.1')
    expect(pull.hasChecksums).toBe(false)
    const assets = await all(pull.assets())
    expect(assets.map(({ is }) => is)).toEqual([
      'start',
      'chunk',
      'end',
      'start',
      'chunk',
      'chunk',
      'chunk',
      'end',
    ])
    const [, note] = assets
    expect(note).toMatchObject({ data: Buffer.from('operations note: rates reviewed\n') })
    await pull.finish()
    expect(peer.differences).toEqual([])
    expect(peer.left).toBe(0)
  })
})

const open = (peer: TracePeer, more: Partial<PullOptions> = {}): Promise<Pull> =>
  Pull.open({ ...options(peer), checksums: false, ...more }, never)

/** The error that something fails with. */
const failure = async (of: Promise<unknown>): Promise<TransferError> => {
  const error = await of.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(TransferError)
  return error as TransferError
}

describe('a recorded piece of a conversation', () => {
  it.each(['pull-end-step-before-ack', 'pull-step-end-while-a-batch-is-unacknowledged'])(
    'leaves a step early: its `end` first, then the acknowledgement that was held back (%s)',
    async (name) => {
      const stage = name === 'pull-end-step-before-ack' ? 'links' : 'entities'
      await using peer = await TracePeer.start(scenario(name))
      const session = await TransferSession.open('pull', options(peer), never)
      await session.init({})
      await session.action('bootstrap')
      const batches = readStage(session, stage, GUARD_MS)
      expect((await batches.next()).value).not.toHaveLength(0)
      await batches.return()
      expect(session.state).toMatchObject({ at: 'ready' })
      // The end marker that follows belongs to nobody and is acknowledged; the recorded client left that out.
      await eventually(() =>
        expect(peer.differences).toEqual([{ unexpected: { acknowledges: expect.any(String) } }]),
      )
      expect(peer.left).toBe(0)
      await session.leave()
    },
  )

  it('fails at an end marker with an error, acknowledges it and sends no `end` for the step', async () => {
    const name = 'pull-asset-read-error-ends-the-step-with-an-error'
    await using peer = await TracePeer.start(scenario(name))
    const pull = await open(peer)
    const error = await failure(all(pull.assets()))
    expect(error).toMatchObject({ reason: 'step-failed', kind: 'data' })
    expect(pull.warnings).toBe(1)
    // The recorded client did send the `end`, and was never answered.
    await eventually(() => expect(peer.left).toBe(2))
    expect(peer.differences).toEqual([])
    expect((await failure(pull.getMetadata())).reason).toBe('step-failed')
  })

  it('counts a file that the server left out, and shows no path of the server', async () => {
    await using peer = await TracePeer.start(scenario('pull-asset-file-missing-is-skipped-with-a-warning'))
    const pull = await open(peer, { checksums: true })
    // The recording is shortened, so that the checksum cannot fit.
    expect(await failure(all(pull.assets()))).toMatchObject({ reason: 'asset-broken' })
    expect(pull.warnings).toBe(1)
    expect(pull.lastWarning).toContain('Media item 1')
    expect(pull.lastWarning).not.toContain('/srv')
  })

  it('reads assets without checksums where none were asked for', async () => {
    await using peer = await TracePeer.start(scenario('pull-no-checksums-asked'))
    const pull = await open(peer)
    expect((await all(pull.assets())).map(({ is }) => is)).toEqual([
      'start',
      'chunk',
      'end',
      'start',
      'chunk',
      'chunk',
      'chunk',
      'end',
    ])
    expect(peer.differences).toEqual([])
    pull.abandon()
  })

  it('reads a server without content: an empty stage is an end marker alone', async () => {
    await using peer = await TracePeer.start(scenario('pull-server-without-content'))
    const pull = await open(peer, { checksums: true })
    expect(await all(pull.assets())).toEqual([])
    expect(await all(pull.links(everything))).toEqual([])
    await pull.finish()
    expect(peer.differences).toEqual([])
    expect(peer.left).toBe(0)
  })

  it('reads a stage whose acknowledgement takes long', async () => {
    await using peer = await TracePeer.start(scenario('pull-slow-acknowledgement-5s'))
    const pull = await open(peer)
    const batches: unknown[] = []
    for await (const settings of pull.configuration(new Set())) {
      await new Promise((resolve) => setImmediate(resolve))
      batches.push(settings)
    }
    expect(batches).toEqual([[]])
    expect(peer.differences).toEqual([])
    pull.abandon()
  })

  it('fails as lost when the connection is cut in the middle of a step, and a new one works', async () => {
    const lines = scenario('pull-kill-connection-mid-step')
    const cut = lines.findIndex(({ event }) => event === 'close')
    await using first = await TracePeer.start(lines.slice(0, cut), { cutAtEnd: true })
    const pull = await open(first)
    expect(await failure(all(pull.entities(everything)))).toMatchObject({
      reason: 'connection-lost',
      kind: 'transport',
    })
    await using second = await TracePeer.start(lines.slice(cut + 1))
    const again = await open(second)
    expect((await again.getMetadata()).version).toBe('5.54.0')
    expect(second.differences).toEqual([])
    again.abandon()
  })

  it('fails as lost, to be tried again, when the end of another transfer kills this one', async () => {
    const lines = scenario('pull-killed-when-another-transfer-connection-closes')
    await using peer = await TracePeer.start(lines, { cutAtEnd: true })
    const pull = await open(peer)
    await pull.getMetadata()
    await failure(pull.getMetadata().then(() => pull.getMetadata()))
    expect((await failure(pull.getMetadata())).kind).toBe('transport')
  })

  it('names a token that expires in the middle of a transfer', async () => {
    await using peer = await TracePeer.start(scenario('pull-token-expires-while-connected'))
    const pull = await open(peer)
    await pull.getMetadata()
    expect(await failure(pull.getMetadata())).toMatchObject({
      reason: 'token-expired',
      kind: 'configuration',
    })
    pull.abandon()
  })

  it('sends a request again under the same uuid while the server is busy, and takes its one answer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await using peer = await TracePeer.start(scenario('pull-client-retries-while-server-is-busy'))
    const session = await TransferSession.open('pull', options(peer, { retryMessageTimeout: 20 }), never)
    await session.init({})
    await session.action('bootstrap')
    await session.stage({ action: 'start', step: 'entities' })
    const held: string[] = []
    session.onBatch = ({ id }) => void held.push(id)
    const { left } = peer
    const metadata = session.getMetadata()
    for (const heard of [1, 2, 3]) {
      await eventually(() => expect(peer.left).toBe(left - heard))
      await vi.advanceTimersByTimeAsync(20)
    }
    expect((await metadata).version).toBe('5.54.0')
    expect(peer.differences).toEqual([])
    expect(peer.left).toBe(0)
    expect(held).toEqual(['95972bcf-bb42-44e6-b725-bfd48e128a82'])
    await session.leave()
  })
})

const isAboutStatus = ({ frame = '' }: { frame?: string }): boolean =>
  /"command":"status"|command:status|"elapsed"/.test(frame)
