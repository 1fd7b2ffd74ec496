import { type AddressInfo } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { type PushContent, type PushRow } from '../push/content'
import { type PushMode } from '../push/mode'
import { pushToStrapi } from '../push/push-transfer'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { silentLoggers } from '../../../test/connections/support'
import { type Frame, frameOf, labelOf, readTrace, type TraceLine } from './push-peer'

/** What a recorded server said to one request: everything up to the next one. */
interface Exchange {
  label: string
  uuid: string
  answers: string[]
}

const exchangesOf = (lines: readonly TraceLine[]): Exchange[] => {
  const exchanges: Exchange[] = []
  for (const { dir, frame } of lines) {
    if (dir === 'c2s') {
      const { uuid, ...request } = JSON.parse(frame!) as Frame
      exchanges.push({ label: labelOf({ uuid, ...request }) ?? '', uuid, answers: [] })
    } else if (dir === 's2c') exchanges.at(-1)?.answers.push(frame!)
  }
  return exchanges
}

const sentIn = (lines: readonly TraceLine[]): Frame[] => lines.filter(({ dir }) => dir === 'c2s').map(frameOf)
const scenario = (trace: string, name: string) => readTrace(trace).filter((line) => line.scenario === name)

const untilItsError = (lines: TraceLine[]): TraceLine[] =>
  lines.slice(0, lines.findIndex(({ dir, frame }) => dir === 's2c' && frame?.includes('"error":{')) + 1)

/** Says what was recorded: the next exchange of the same label, or the first of a later recording. */
class ReplayPeer {
  readonly frames: Frame[] = []
  private readonly server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  private readonly rest: Exchange[]

  constructor(...recordings: TraceLine[][]) {
    this.rest = recordings.flatMap(exchangesOf)
    this.server.on('connection', (socket: WebSocket) =>
      socket.on('message', (data: Buffer) => this.take(socket, JSON.parse(data.toString()) as Frame)),
    )
  }

  /** Where it listens, once it does. */
  async adminUrl(): Promise<string> {
    if (this.server.address() === null)
      await new Promise<void>((resolve) => this.server.once('listening', () => resolve()))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/admin`
  }

  get labels(): (string | undefined)[] {
    return this.frames.map(labelOf)
  }

  close(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate()
    return new Promise((resolve) => this.server.close(() => resolve()))
  }

  private take(socket: WebSocket, frame: Frame): void {
    this.frames.push(frame)
    const place = this.rest.findIndex(({ label }) => label === labelOf(frame))
    const [exchange] = place === -1 ? [] : this.rest.splice(place, 1)
    for (const answer of exchange?.answers ?? []) socket.send(answer.replaceAll(exchange!.uuid, frame.uuid))
  }
}

const PRICE = 'api::price.price'
const price = (base: string, attributes: Record<string, unknown> = {}): PushRow => ({
  type: PRICE,
  attributes: { base, quote: 'USD', value: 66000.5, observedAt: '2025-06-01T00:00:00.000Z', ...attributes },
})

/** Members of a frame, and of the first item that it carries. */
const shapeOf = (frame: Frame) => {
  const [item] = Array.isArray(frame.data) ? (frame.data as object[]) : []
  return { members: Object.keys(frame).sort(), item: Object.keys(item ?? {}) }
}

describe('a push to a recorded server', () => {
  let peer: ReplayPeer
  beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
  afterEach(() => peer.close())

  const push = async (content: PushContent, mode: PushMode) =>
    pushToStrapi(
      { adminUrl: await peer.adminUrl(), token: 'the-token', owner: 'test' },
      content,
      mode,
      new AbortController().signal,
    )

  it('push-replace-matching-trace: sends what was recorded, and looks at metadata and schemas before', async () => {
    const recorded = readTrace('push-replace-matching-trace')
    peer = new ReplayPeer(recorded, readTrace('push-trace'))
    const matches = [{ base: 'BTC', quote: ['USD', 'EUR'] }]
    const outcome = await push({ rows: [price('BTC')] }, { kind: 'replace-matching', type: PRICE, matches })
    expect(outcome).toMatchObject({ kind: 'committed' })
    const looks = ['getMetadata', 'getSchemas']
    const sent = peer.frames.filter((frame) => !looks.includes(labelOf(frame) ?? ''))
    const any = { uuid: expect.any(String) }
    const own = {
      documentId: expect.any(String),
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      publishedAt: expect.any(String),
    }
    const expected = sentIn(recorded).map((frame) => {
      if (labelOf(frame) !== 'stream entities') return { ...frame, ...any }
      const [row] = frame.data as { data: object }[]
      return { ...frame, ...any, data: [{ ...row, data: { ...row!.data, ...own } }] }
    })
    expect(sent).toEqual(expected)
  })

  it('push-trace: sends rows, components and links in the recorded shapes, and takes the skipped link for a failure', async () => {
    const recorded = readTrace('push-trace')
    peer = new ReplayPeer(recorded, scenario('error-traces', 'push-rollback-then-end'))
    const venue: PushRow = { type: 'api::venue.venue', attributes: { name: 'pushed-venue' } }
    const prices = ['BTC', 'ETH', 'SOL', 'ADA'].map((base) => price(base, { bounds: { min: 1, max: 2 } }))
    const links = prices.map((from) => ({ from, field: 'venue', to: venue }))
    const types = [PRICE, 'api::venue.venue']
    const outcome = await push({ rows: [venue, ...prices], links }, { kind: 'replace-types', types })
    expect(outcome).toMatchObject({ kind: 'unchanged', error: { reason: 'loss-warning' } })
    expect(peer.labels.slice(-2)).toEqual(['rollback', 'end'])
    const ofRecorded = new Map(sentIn(recorded).map((frame) => [labelOf(frame), frame]))
    for (const frame of peer.frames.slice(0, -2)) {
      const label = labelOf(frame)
      expect([label, shapeOf(frame)]).toEqual([label, shapeOf(ofRecorded.get(label)!)])
    }
    const stream = (frames: Frame[], step: string) =>
      frames
        .filter((frame) => labelOf(frame) === `stream ${step}`)
        .flatMap(({ data }) => data as Record<string, object>[])
    const [theirs] = stream(sentIn(recorded), 'links')
    const [ours] = stream(peer.frames, 'links')
    const id = expect.any(Number)
    expect(ours).toEqual({
      ...theirs,
      left: { ...theirs!.left, ref: id },
      right: { ...theirs!.right, ref: id },
    })
    const withBounds = (items: { data: { bounds?: object } }[]) =>
      items.find(({ data }) => data.bounds)?.data.bounds
    expect(Object.keys(withBounds(stream(peer.frames, 'entities') as never)!)).toEqual(
      Object.keys(withBounds(stream(sentIn(recorded), 'entities') as never)!),
    )
  })

  it("official-client-push-trace: has the order and the members of Strapi's own client", async () => {
    const recorded = readTrace('official-client-push-trace')
    peer = new ReplayPeer(recorded, readTrace('push-trace'))
    // It was recorded with 61 rows; the recorded schemas are shortened, those of the other recording are whole.
    const rows = Array.from({ length: 61 }, (_, n) => price(`B${n}`))
    const schemas = exchangesOf(readTrace('push-trace')).find(({ label }) => label === 'getSchemas')!
    peer['rest'].unshift(schemas)
    expect(await push({ rows }, { kind: 'replace-types', types: [PRICE] })).toMatchObject({
      kind: 'committed',
    })
    const theirs = sentIn(recorded)
    let place = -1
    for (const frame of peer.frames) {
      place = theirs.findIndex((other, n) => n > place && labelOf(other) === labelOf(frame))
      expect([labelOf(frame), place]).not.toEqual([labelOf(frame), -1])
      expect(Object.keys(frame).sort()).toEqual(Object.keys(theirs[place]!).sort())
    }
    expect(peer.labels.at(-1)).toBe('end')
  })

  it('legacy-5.42-trace: is refused where init confirms nothing, before a transaction is opened', async () => {
    peer = new ReplayPeer(scenario('legacy-5.42-trace', 'legacy-5.42-push-stream'))
    expect(await push({ rows: [price('BTC')] }, { kind: 'append' })).toMatchObject({
      kind: 'unchanged',
      error: { reason: 'version-unsupported' },
    })
    expect(peer.labels).toEqual(['init'])
  })

  it.each([
    ['push-entity-bad-number-aborts', 'server-error'],
    ['push-entity-unknown-type-aborts', 'order-refused'],
    ['push-entity-admin-type-aborts', 'order-refused'],
    ['push-stream-data-missing', 'order-refused'],
  ])('error-traces, %s: just closes the socket', async (name, reason) => {
    peer = new ReplayPeer(untilItsError(scenario('error-traces', name)), readTrace('push-trace'))
    expect(await push({ rows: [price('BTC')] }, { kind: 'append' })).toMatchObject({
      kind: 'unchanged',
      error: { reason },
    })
    expect(peer.labels.at(-1)).toBe('stream entities')
  })

  it('error-traces, push-beforeTransfer-fails: rolls back and ends', async () => {
    peer = new ReplayPeer(
      scenario('error-traces', 'push-beforeTransfer-fails-on-an-unknown-filter-attribute').map((line) => ({
        ...line,
        // That client had not asked whether base64 is understood.
        frame: line.frame?.replace('"checksums":true}', '"checksums":true,"assetEncoding":"base64"}'),
      })),
      readTrace('push-trace'),
    )
    const outcome = await push({ rows: [price('BTC')] }, { kind: 'replace-types', types: [PRICE] })
    expect(outcome).toMatchObject({ kind: 'unchanged', error: { reason: 'server-error' } })
    expect(peer.labels.slice(-3)).toEqual(['beforeTransfer', 'rollback', 'end'])
  })
})
