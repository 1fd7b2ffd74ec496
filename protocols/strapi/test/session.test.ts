import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type WebSocket } from 'ws'
import { AllowedTypes } from '../content-types'
import { type TransferError } from '../errors'
import { Pull } from '../pull'
import { TransferSession } from '../session'
import { readStage } from '../stage-reader'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { selfSigned } from '../../../test/http/certificate'
import { silentLoggers } from '../../../test/connections/support'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { batch, price, PullPeer, secrets } from './pull-peer'
import { type Frame } from './push-peer'

const never = new AbortController().signal
const prices = new AllowedTypes(['api::price.price'])
const token = 'the-token-of-this-test'

beforeAll(() => LoggerFactoryProvider.set(silentLoggers))
afterEach(() => void vi.useRealTimers())

const all = async <I>(batches: AsyncIterable<I[]>): Promise<I[]> => {
  const items: I[] = []
  for await (const some of batches) items.push(...some)
  return items
}

const errorOf = (of: Promise<unknown>): Promise<TransferError> =>
  of.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as TransferError,
  )

const bootstrapped = async (peer: PullPeer, more: object = {}, signal = never) => {
  const session = await TransferSession.open('pull', { adminUrl: peer.adminUrl, token, ...more }, signal)
  await session.init({})
  await session.action('bootstrap')
  return session
}

const answer = (socket: WebSocket, { uuid }: Frame, data: unknown): void =>
  socket.send(JSON.stringify({ uuid, data, error: null }))

describe('a session', () => {
  it('refuses what has no place, before it is sent', async () => {
    await using peer = await PullPeer.start()
    const session = await bootstrapped(peer)
    expect((await errorOf(session.end())).reason).toBe('order-refused')
    expect((await errorOf(session.action('rollback'))).reason).toBe('order-refused')
    expect((await errorOf(session.stage({ action: 'end', step: 'links' }))).reason).toBe('order-refused')
    expect(peer.labels).toEqual(['init', 'bootstrap'])
    await session.leave()
    expect((await session.closed).code).toBe(1000)
    expect((await errorOf(session.action('close'))).kind).toBe('transport')
  })

  it.each([
    ['cut', 1006],
    ['leave', 1000],
  ] as const)('is lost when the server goes away (%s)', async (misbehaviour, code) => {
    await using peer = await PullPeer.start()
    const session = await bootstrapped(peer)
    peer.misbehaviours.set('getMetadata', misbehaviour)
    const error = await errorOf(session.getMetadata())
    expect(error).toMatchObject({ reason: 'connection-lost', kind: 'transport' })
    expect(error.message).toContain(String(code))
    expect(session.state).toEqual({ at: 'failed' })
    expect(session.failure.reason).toBe(error)
  })

  it('ends when it is stopped, in the middle of a request, for the reason given', async () => {
    await using peer = await PullPeer.start()
    const stop = new AbortController()
    const session = await bootstrapped(peer, {}, stop.signal)
    peer.misbehaviours.set('getSchemas', 'silent')
    const failed = errorOf(session.getSchemas())
    await peer.until(() => peer.labels.includes('getSchemas'))
    stop.abort()
    expect((await failed).reason).toBe('stopped')
    await session.closed
    await peer.until(() => peer.closes.length === 1)
  })

  it('ends while it connects', async () => {
    await using peer = await PullPeer.start()
    const stop = new AbortController()
    const opening = errorOf(TransferSession.open('pull', { adminUrl: peer.adminUrl, token }, stop.signal))
    stop.abort()
    expect((await opening).reason).toBe('stopped')
  })

  it('is failed by a peer that answers no ping', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await using peer = await PullPeer.start()
    peer.isFrozen = true
    const session = await bootstrapped(peer, { pingEveryMs: 10, maxMissedPongs: 2 })
    peer.misbehaviours.set('getMetadata', 'silent')
    const failed = errorOf(session.getMetadata())
    await peer.until(() => peer.labels.includes('getMetadata'))
    // Two that stay without an answer.
    vi.advanceTimersByTime(29)
    expect(session.failure.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(await failed).toMatchObject({ reason: 'connection-lost' })
  })

  it('takes frames well above 1 MiB, and fails by name at one that is too large', async () => {
    await using peer = await PullPeer.start()
    const session = await bootstrapped(peer, { maxFrameBytes: 1 })
    peer.schemas = { text: 'x'.repeat(4 * 1_048_576) }
    expect(Object.keys(await session.getSchemas())).toEqual(['text'])
    peer.schemas = { text: 'x'.repeat(17 * 1_048_576) }
    expect(await errorOf(session.getSchemas())).toMatchObject({ reason: 'frame-too-large', kind: 'data' })
  })

  it.each<[string, unknown]>([
    ['init', {}],
    ['init', null],
    ['init', { transferID: 7 }],
    ['getSchemas', []],
    ['getSchemas', null],
    ['getMetadata', 'x'],
    ['start entities', { ok: true }],
    ['start entities', null],
  ])('calls an answer to %s unexpected that is %j', async (label, data) => {
    await using peer = await PullPeer.start()
    peer.misbehaviours.set(label, (socket, frame) => answer(socket, frame, data))
    const session = await TransferSession.open('pull', { adminUrl: peer.adminUrl, token }, never)
    const conversation = async () => {
      await session.init({})
      await session.action('bootstrap')
      await session.getMetadata()
      await session.getSchemas()
      await all(readStage(session, 'entities', GUARD_MS))
    }
    expect((await errorOf(conversation())).reason).toBe('answer-unexpected')
    await session.leave()
  })

  it('trusts the authorities it is given, and no others', async () => {
    const certificate = selfSigned()
    await using peer = await PullPeer.start(0, certificate)
    const adminUrl = `https://127.0.0.1:${peer.port}/admin`
    const open = (tls?: object) =>
      TransferSession.open('pull', { adminUrl, token, ...(tls && { tls }) }, never)
    const session = await open({ ca: certificate.cert })
    await session.init({})
    await session.leave()
    expect(await errorOf(open())).toMatchObject({ reason: 'connection-failed', kind: 'transport' })
    expect((await errorOf(open({ ca: selfSigned().cert }))).reason).toBe('connection-failed')
    const elsewhere = { ca: certificate.cert, servername: 'cms.example' }
    expect((await errorOf(open(elsewhere))).message).toMatch(/altnames/)
    expect(peer.authorizations).toHaveLength(1)
  })

  it('never shows the token', async () => {
    await using peer = await PullPeer.start()
    peer.refusals.push(401)
    const error = await errorOf(TransferSession.open('pull', { adminUrl: peer.adminUrl, token }, never))
    const refused = await errorOf(
      TransferSession.open('pull', { adminUrl: 'http://127.0.0.1:1/admin', token }, never),
    )
    expect(refused).toMatchObject({ reason: 'connection-failed', kind: 'transport' })
    for (const { message, stack, cause, said } of [error, refused])
      expect(`${message}${stack}${String(cause)}${said}${JSON.stringify(cause)}`).not.toContain(token)
    expect(peer.authorizations).toEqual([`Bearer ${token}`])
  })
})

describe('reading a stage', () => {
  const two = [[price(1, 'BTC', 1), ...secrets], [price(2, 'ETH', 2)]]

  it('asks for the next batch by acknowledging, only when the reader comes for it', async () => {
    await using peer = await PullPeer.start()
    peer.entities = two
    const session = await bootstrapped(peer)
    const acknowledge = vi.spyOn(session, 'acknowledge')
    const batches = readStage(session, 'entities', GUARD_MS)
    expect((await batches.next()).value).toHaveLength(3)
    await session.getMetadata()
    expect(acknowledge).not.toHaveBeenCalled()
    expect((await batches.next()).value).toHaveLength(1)
    expect(acknowledge).toHaveBeenCalledTimes(1)
    expect((await batches.next()).done).toBe(true)
    expect(acknowledge).toHaveBeenCalledTimes(3)
    expect(session.state).toMatchObject({ at: 'ready' })
    await session.leave()
  })

  it('holds batches that come before the answer to `start`, and routes them then', async () => {
    await using peer = await PullPeer.start()
    peer.misbehaviours.set('start entities', (socket, frame) => {
      socket.send(batch('foreign', ['of an earlier step']))
      socket.send(batch('mine', ['early']))
      answer(socket, frame, { ok: true, id: 'mine' })
      socket.send(batch('foreign', null, { ended: true, error: { code: 'ERR_STREAM_PREMATURE_CLOSE' } }))
      socket.send(batch('mine', null, { ended: true }))
    })
    const session = await bootstrapped(peer)
    const acknowledge = vi.spyOn(session, 'acknowledge')
    expect(await all(readStage(session, 'entities', GUARD_MS))).toEqual(['early'])
    expect(acknowledge).toHaveBeenCalledTimes(4)
    await session.leave()
  })

  it('reads an item that is larger than a batch should be', async () => {
    await using peer = await PullPeer.start()
    peer.entities = [[price(1, 'BTC', 1, { tags: 'x'.repeat(3 * 1_048_576) })]]
    const pull = await Pull.open({ adminUrl: peer.adminUrl, token }, never)
    expect(await all(pull.entities(prices))).toHaveLength(1)
    await pull.finish()
  })

  it('keeps nothing of other types', async () => {
    await using peer = await PullPeer.start()
    peer.entities = two
    const pull = await Pull.open({ adminUrl: peer.adminUrl, token }, never)
    const rows = await all(pull.entities(prices))
    expect(rows.map(({ type }) => type)).toEqual(['api::price.price', 'api::price.price'])
    expect(JSON.stringify(rows)).not.toMatch(/admin::|hash-of|someone/)
    await pull.finish()
    expect(peer.ends).toBe(1)
    await peer.until(() => peer.closes.length === 1)
    expect(peer.closes).toEqual([1000])
  })

  it('fails when a batch does not come in time', async () => {
    await using peer = await PullPeer.start()
    peer.misbehaviours.set('start entities', (socket, frame) => answer(socket, frame, { ok: true, id: 'x' }))
    const session = await bootstrapped(peer)
    expect(await errorOf(all(readStage(session, 'entities', 20)))).toMatchObject({ reason: 'batch-timeout' })
    await session.closed
  })

  it('fails at a server that does not wait for acknowledgements', async () => {
    await using peer = await PullPeer.start()
    peer.misbehaviours.set('start entities', (socket, frame) => {
      answer(socket, frame, { ok: true, id: 'x' })
      for (let n = 0; n < 20; n++) socket.send(batch('x', [n]))
    })
    const session = await bootstrapped(peer)
    const batches = readStage(session, 'entities', GUARD_MS)
    const read = async () => {
      while (!(await batches.next()).done) await session.getMetadata()
    }
    expect(await errorOf(read())).toMatchObject({ reason: 'frame-unexpected', kind: 'protocol' })
  })

  it.each([{}, true, { code: 'EISDIR' }])(
    'fails at an end marker with the error %j, whatever that says',
    async (stepError) => {
      await using peer = await PullPeer.start()
      peer.entities = two
      peer.stepError = stepError
      const session = await bootstrapped(peer)
      expect(await errorOf(all(readStage(session, 'entities', GUARD_MS)))).toMatchObject({
        reason: 'step-failed',
      })
      expect(peer.labels).not.toContain('end entities')
    },
  )

  it('does not outlive a server that goes away while the reader is busy', async () => {
    await using peer = await PullPeer.start()
    peer.entities = two
    const session = await bootstrapped(peer)
    const batches = readStage(session, 'entities', GUARD_MS)
    await batches.next()
    session.abort(await errorOf(TransferSession.open('pull', { adminUrl: 'x', token }, never)))
    expect((await errorOf(batches.next())).reason).toBe('url-invalid')
  })
})
