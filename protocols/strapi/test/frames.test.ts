import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { errorFromAnswer, TRANSFER_REASONS } from '../errors'
import { classify, encodeAcknowledgement, encodeRequest, type Incoming } from '../frames'
import { frameOf, readTrace, type TraceLine } from './push-peer'

/** What each recorded scenario holds beside answers without an error and log lines: errors by their names, batches, ends. */
const OUTCOMES: Record<string, string> = {
  'http-401-no-token': 'refused 401',
  'http-401-wrong-token': 'refused 401',
  'http-401-expired-token': 'refused 401',
  'http-403-push-token-on-pull': 'refused 403',
  'http-403-pull-token-on-push': 'refused 403',
  'http-404-unknown-path': 'refused 404',
  'pull-not-json': 'close 1006',
  'pull-json-null-and-array-and-number-ignored': '',
  'pull-no-uuid-ignored': '',
  'pull-empty-uuid': 'stray, order-refused',
  'pull-unknown-type-ignored': '',
  'pull-binary-frame-with-json-accepted': '',
  'pull-unknown-command': 'order-refused, order-refused',
  'pull-status-before-init': '',
  'pull-init-twice': 'order-refused',
  'pull-action-before-init': 'order-refused, order-refused',
  'pull-action-before-bootstrap': 'server-not-ready, server-not-ready, server-not-ready, server-not-ready',
  'pull-invalid-action': 'order-refused, order-refused, order-refused',
  'pull-unknown-kind': '',
  'pull-unknown-step': 'order-refused, order-refused',
  'pull-step-start-twice': 'batch, order-refused',
  'pull-wrong-transferID-is-accepted': '',
  'pull-end-wrong-id': 'order-refused, order-refused',
  'pull-end-then-use-then-init-again': 'order-refused',
  'pull-duplicate-uuid-last-is-replayed': '',
  'pull-duplicate-uuid-not-last-is-ignored': '',
  'pull-duplicate-uuid-with-other-content': '',
  'pull-duplicate-while-in-flight-is-ignored': 'batch',
  'pull-two-steps-at-once': 'batch, batch, ended, ended',
  'pull-end-step-before-ack': 'batch, ended',
  'pull-ack-with-wrong-uuid-stalls': 'batch, ended',
  'pull-kill-connection-mid-step': 'batch, close 1006',
  'pull-client-ping': '',
  'push-action-before-init': 'order-refused, order-refused',
  'push-init-bad-strategy': 'options-refused',
  'push-before-bootstrap': 'server-not-ready, server-not-ready, server-not-ready',
  'push-unknown-step-null-state': 'order-refused, order-refused',
  'push-schemas-step': 'order-refused, order-refused',
  'push-unknown-step': 'order-refused',
  'push-invalid-action': 'order-refused, order-refused',
  'push-stream-before-start': 'order-refused',
  'push-stages-out-of-order': 'order-refused, order-refused, order-refused, order-refused',
  'push-stream-after-step-end': 'order-refused',
  'push-entity-unknown-type-aborts':
    'order-refused, transfer-terminated, transfer-terminated, transfer-terminated, transfer-terminated',
  'push-entity-admin-type-aborts': 'order-refused, transfer-terminated',
  'push-entity-bad-number-aborts': 'server-error, transfer-terminated',
  'push-entity-unknown-attribute-ignored': '',
  'push-entity-missing-required': '',
  'push-stream-data-not-array': 'order-refused',
  'push-stream-data-missing': 'order-refused',
  'push-rollback-restores-then-stream-hangs': '',
  'push-rollback-twice': '',
  'push-kill-connection-rolls-back': 'close 1006',
  'push-clean-close-without-close-action-rolls-back': '',
  'push-rollback-then-end': '',
  'push-duplicate-uuid-in-flight-answers-twice': '',
  'push-pipelined-messages-answered-in-order': '',
  'push-assets-not-in-restore-options': 'order-refused',
  'push-asset-checksum-mismatch': 'order-refused',
  'push-asset-checksum-missing': 'order-refused',
  'push-asset-checksum-wrong-algorithm': 'order-refused',
  'push-asset-stream-without-start': 'order-refused, order-refused',
  'push-asset-unknown-file-id': 'server-error',
  'push-asset-legacy-buffer-json': '',
  'push-asset-bad-payload': 'order-refused',
  'push-link-to-admin-type-aborts': 'order-refused, transfer-terminated',
  'push-configuration-item-of-unknown-kind-is-counted-and-ignored': '',
  'pull-token-expires-while-connected': 'token-expired, token-expired',
  'push-not-json': 'close 1006',
  'pull-asset-file-missing-is-skipped-with-a-warning': 'warning, batch, ended',
  'pull-asset-read-error-ends-the-step-with-an-error': 'error, ended with an error',
  'pull-no-checksums-asked': 'batch, batch, ended',
  'pull-slow-acknowledgement-5s': 'batch, ended',
  'pull-more-than-100-MiB-frame': 'close 1009',
  'push-assets-null-data-ends-stream': '',
  'pull-client-retries-while-server-is-busy': 'batch',
  'pull-step-end-while-a-batch-is-unacknowledged': 'batch, ended with an error',
  'pull-killed-when-another-transfer-connection-closes': 'close 1006',
  'pull-server-without-content': 'ended, batch, ended',
  'push-beforeTransfer-fails-on-an-unknown-filter-attribute': 'server-error, order-refused',
  'push-end-without-close-leaks-the-transaction': 'refused 500',
  'legacy-5.42-pull-assets': 'batch, batch, ended',
  'legacy-5.42-push-init': 'order-refused, order-refused',
  'legacy-5.42-push-stream': 'order-refused, close 1006',
}

const outcomeOf = (frame: Incoming): string[] => {
  switch (frame.kind) {
    case 'answer':
      return frame.error === undefined ? [] : [errorFromAnswer(frame.error, 'a request').reason]
    case 'batch':
      return [frame.hasEnded ? (frame.hasError ? 'ended with an error' : 'ended') : 'batch']
    case 'diagnostic':
      return frame.level === 'info' ? [] : [frame.level]
    case 'stray':
    case 'ignored':
    case 'broken':
      return [frame.kind]
  }
}

const eventOf = ({ event, code, status }: TraceLine & { status?: number }): string[] => {
  if (event === 'close' && code !== 1000) return [`close ${code}`]
  return event === 'unexpected-response' ? [`refused ${status}`] : []
}

/** A frame that a scenario sends may be none. */
const uuidIn = (line: TraceLine): string | undefined => {
  try {
    return (frameOf(line) as Partial<{ uuid: string }> | null)?.uuid
  } catch {
    return undefined
  }
}

describe('classifying the frames of a server', () => {
  const lines = [...readTrace('error-traces'), ...readTrace('legacy-5.42-trace')]
  const scenarios = [...new Set(lines.map(({ scenario }) => scenario ?? ''))]

  it('knows every recorded scenario', () => {
    expect(scenarios.toSorted()).toEqual(Object.keys(OUTCOMES).toSorted())
  })

  it.each(scenarios)('finds in %s what was recorded', (name) => {
    const asked = new Set<string | undefined>()
    const outcomes = lines
      .filter(({ scenario }) => scenario === name)
      .flatMap((line) => {
        if (line.dir === 'evt') return eventOf(line)
        if (line.dir === 's2c') return outcomeOf(classify(line.frame ?? '', (uuid) => asked.has(uuid)))
        asked.add(uuidIn(line))
        return []
      })
    expect(outcomes.join(', ')).toBe(OUTCOMES[name])
  })

  it.each([
    'pull-trace',
    'push-trace',
    'push-replace-matching-trace',
    'official-client-pull-trace',
    'official-client-push-trace',
  ])('knows every frame of %s', (trace) => {
    const asked = new Set<string>()
    for (const line of readTrace(trace)) {
      if (line.dir === 'c2s') asked.add(frameOf(line).uuid)
      if (line.dir !== 's2c') continue
      const frame = classify(line.frame ?? '', (uuid) => asked.has(uuid))
      expect(['diagnostic', 'answer', 'batch']).toContain(frame.kind)
      if (frame.kind === 'answer') expect(frame.error).toBeUndefined()
    }
  })

  it('goes by the top-level shape: an answer whose data looks like a batch is an answer', () => {
    const data = { type: 'transfer', id: 'x', data: [] }
    const text = (frame: object) => JSON.stringify({ uuid: 'u', data, ...frame })
    expect(classify(text({ error: null }), () => true).kind).toBe('answer')
    expect(classify(text({}), () => true).kind).toBe('batch')
    expect(classify(text({ diagnostic: {} }), () => true).kind).toBe('diagnostic')
  })

  it('takes an answer with both data and an error for an error', () => {
    const frame = classify('{"uuid":"u","data":{"ok":true},"error":{"message":"no"}}', () => true)
    expect(frame).toMatchObject({ kind: 'answer', error: { message: 'no', code: 'Error' } })
  })

  it('takes answers nobody waits for as stray, and a diagnostic of an unknown kind as one', () => {
    expect(classify('{"uuid":"u","data":null,"error":null}', () => false).kind).toBe('stray')
    expect(classify('{"data":null,"error":null}', () => true).kind).toBe('stray')
    expect(classify('{"uuid":"u","diagnostic":{"kind":"new"}}', () => false)).toMatchObject({
      level: 'other',
    })
  })

  it.each(['null', '[]', '7', '"x"', '{}', '{"uuid":"u"}'])('ignores %s', (text) => {
    expect(classify(text, () => true).kind).toBe('ignored')
  })

  it.each([
    ['{"data":{"type":"transfer","id":"x","data":[]}}', 'a batch without a uuid'],
    ['{"uuid":"u","data":{"type":"transfer","id":"x","data":{}}}', 'a batch without items'],
    ['{"uuid":"u","data":{"type":"transfer","id":"x","data":null,"ended":false}}', 'a batch without items'],
    ['{"uuid":"u","data":{"type":"transfer","id":"x","data":[1],"ended":true}}', 'an end marker with items'],
    ['{"uuid', 'a frame that is not JSON'],
  ])('calls %s broken', (text, why) => {
    expect(classify(text, () => true)).toEqual({ kind: 'broken', why })
  })

  it('takes an end marker with an empty error object for a failure', () => {
    const text = '{"uuid":"u","data":{"type":"transfer","id":"x","data":null,"ended":true,"error":{}}}'
    expect(classify(text, () => true)).toMatchObject({ hasEnded: true, hasError: true })
  })

  it('never throws and never quotes a frame, whatever becomes of it: ten thousand mutations', () => {
    const recorded = lines.flatMap(({ dir, frame }) =>
      dir === 's2c' && frame!.length < 3_000 ? [frame!] : [],
    )
    const mutation = fc.record({
      at: fc.nat(recorded.length - 1),
      from: fc.nat(3_000),
      cut: fc.nat(40),
      put: fc.oneof(
        fc.string({ maxLength: 5 }),
        fc.constantFrom('null', '{}', '[]', '"', '":{"', '1e999', '\u0000'),
      ),
    })
    const secret = '$2a$10$secret'
    fc.assert(
      fc.property(mutation, ({ at, from, cut, put }) => {
        const text = recorded[at]!
        const mutated = text.slice(0, from) + put + secret + text.slice(from + cut)
        const frame = classify(mutated, () => true)
        if (frame.kind === 'broken') expect(frame.why).not.toContain(secret)
        if (frame.kind === 'answer' && frame.error)
          expect(TRANSFER_REASONS).toHaveProperty(errorFromAnswer(frame.error, 'x').reason)
      }),
      { numRuns: 10_000 },
    )
  })
})

describe('encoding', () => {
  it('acknowledges with the uuid and nothing else: a type would make a request of it', () => {
    expect(JSON.parse(encodeAcknowledgement('the-batch'))).toEqual({ uuid: 'the-batch' })
  })

  it('writes the requests that were recorded', () => {
    const [, , init] = readTrace('pull-trace')
    const { uuid, ...request } = frameOf(init!)
    expect(JSON.parse(encodeRequest(uuid, request as never))).toEqual(frameOf(init!))
  })
})
