import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Dispatcher } from '../dispatcher'
import { type TransferError } from '../errors'
import { type Batch, type Diagnostic } from '../frames'
import { type Frame } from './push-peer'

const create = (limits = { retryMessageTimeout: 1_000, retryMessageMaxRetries: 2 }) => {
  const sent: Frame[] = []
  const batches: Batch[] = []
  const diagnostics: Diagnostic[] = []
  const failures: TransferError[] = []
  const socket = { outcome: 'sent' as 'sent' | 'closed' | 'full' }
  const dispatcher = new Dispatcher(
    {
      send(text) {
        if (socket.outcome === 'sent') sent.push(JSON.parse(text) as Frame)
        return socket.outcome
      },
      batch: (batch) => void batches.push(batch),
      diagnostic: (diagnostic) => void diagnostics.push(diagnostic),
      failed: (error) => void failures.push(error),
    },
    limits,
  )
  const answer = (uuid: string | undefined, body: object = {}) =>
    dispatcher.receive(JSON.stringify({ uuid, data: null, error: null, ...body }))
  return { dispatcher, sent, batches, diagnostics, failures, socket, answer }
}

const status = { command: 'status' } as const
const settled = () => vi.advanceTimersByTimeAsync(0)

describe('the dispatcher', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())

  it('sends one request at a time, each with a uuid of its own, and the transfer ID with every transfer request', async () => {
    const { dispatcher, sent, answer } = create()
    dispatcher.transferID = 'the-transfer'
    const first = dispatcher.dispatchTransferAction('bootstrap')
    const second = dispatcher.dispatchTransferStep({ action: 'start', step: 'entities' })
    await settled()
    expect(sent).toHaveLength(1)
    answer(sent[0]?.uuid, { data: { n: 1 } })
    await settled()
    answer(sent[1]?.uuid, { data: { n: 2 } })
    expect(await Promise.all([first, second])).toEqual([{ n: 1 }, { n: 2 }])
    expect(sent[0]?.uuid).not.toBe(sent[1]?.uuid)
    expect(sent).toMatchObject([
      { type: 'transfer', kind: 'action', action: 'bootstrap', transferID: 'the-transfer' },
      { type: 'transfer', kind: 'step', action: 'start', step: 'entities', transferID: 'the-transfer' },
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('refuses transfer requests before there is a transfer', async () => {
    const { dispatcher, sent } = create()
    await expect(dispatcher.dispatchTransferAction('close')).rejects.toMatchObject({
      reason: 'order-refused',
    })
    expect(sent).toEqual([])
  })

  it('sends an unanswered request again with the same uuid, as often as allowed, then gives the transfer up', async () => {
    const { dispatcher, sent, failures } = create()
    const answered = dispatcher.dispatchCommand(status).catch((error: unknown) => error as TransferError)
    const later = dispatcher.dispatchCommand(status).catch((error: unknown) => error as TransferError)
    await vi.advanceTimersByTimeAsync(2_999)
    expect(sent).toHaveLength(3)
    expect(new Set(sent.map(({ uuid }) => uuid)).size).toBe(1)
    expect(failures).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(await answered).toMatchObject({ reason: 'request-timeout', kind: 'transport' })
    expect(((await answered) as Error).message).toContain('3000 ms')
    expect(await later).toBe(await answered)
    expect(failures).toEqual([await answered])
    expect(sent).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('takes the answer to a resend, and ignores that it comes twice', async () => {
    const { dispatcher, sent, answer } = create()
    const answered = dispatcher.dispatchCommand(status)
    await vi.advanceTimersByTimeAsync(1_500)
    answer(sent[0]?.uuid, { data: 'once' })
    answer(sent[0]?.uuid, { data: 'twice' })
    answer('never-asked')
    dispatcher.receive('{"nothing":true}')
    expect(await answered).toBe('once')
    expect(dispatcher.ignoredFrames).toBe(3)
  })

  it('is not misled by diagnostics and batches that come between a request and its answer', async () => {
    const { dispatcher, sent, answer, batches, diagnostics } = create()
    const answered = dispatcher.dispatchCommand(status)
    await settled()
    const uuid = sent[0]?.uuid
    dispatcher.receive(JSON.stringify({ uuid, diagnostic: { kind: 'info', details: { message: uuid } } }))
    dispatcher.receive(
      JSON.stringify({ uuid, data: { type: 'transfer', id: 'x', data: [], ended: false, error: null } }),
    )
    answer(uuid, { data: 7 })
    expect(await answered).toBe(7)
    expect(diagnostics).toHaveLength(1)
    expect(batches).toMatchObject([{ id: 'x', items: [] }])
  })

  it('rejects with what the server said, and goes on with the next request', async () => {
    const { dispatcher, sent, answer, failures } = create()
    const refused = dispatcher.dispatchCommand(status).catch((error: unknown) => error as TransferError)
    await settled()
    answer(sent[0]?.uuid, { error: { code: 'Error', message: 'Invalid Transfer Process', details: {} } })
    expect(await refused).toMatchObject({ reason: 'order-refused', said: 'Invalid Transfer Process' })
    expect(((await refused) as Error).message).not.toContain('Process')
    const next = dispatcher.dispatchCommand(status)
    await settled()
    answer(sent[1]?.uuid)
    expect(await next).toBeNull()
    expect(failures).toEqual([])
  })

  it('fails at a frame that is not JSON, and takes nothing after it', async () => {
    const { dispatcher, failures, batches } = create()
    dispatcher.receive('{"uuid":"secret-hash')
    expect(failures).toMatchObject([{ reason: 'frame-unexpected', kind: 'protocol' }])
    expect(failures[0]?.message).not.toContain('secret-hash')
    dispatcher.receive('{"uuid":"u","data":{"type":"transfer","id":"x","data":[]}}')
    expect(batches).toEqual([])
    await expect(dispatcher.dispatchCommand(status)).rejects.toBe(failures[0])
  })

  it('fails when the socket is closed, and not when the peer does not read', async () => {
    const { dispatcher, sent, socket, answer, failures } = create()
    socket.outcome = 'full'
    const answered = dispatcher.dispatchCommand(status)
    await settled()
    expect(failures).toEqual([])
    socket.outcome = 'sent'
    await vi.advanceTimersByTimeAsync(1_000)
    answer(sent[0]?.uuid, { data: 'late' })
    expect(await answered).toBe('late')
    socket.outcome = 'closed'
    await expect(dispatcher.dispatchCommand(status)).rejects.toMatchObject({ reason: 'connection-lost' })
  })
})
