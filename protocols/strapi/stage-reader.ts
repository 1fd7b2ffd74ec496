import { type RetryLimits } from './dispatcher'
import { TransferError } from './errors'
import { type Batch, type Stage } from './frames'
import { type TransferSession } from './session'

/** Before it answers, the server looks at every file, which takes minutes in a big library (spec 8.1, 11.1). */
const ASSETS_START: RetryLimits = { retryMessageTimeout: 120_000, retryMessageMaxRetries: 30 }

/** The server sends one batch of a step at a time, and one end marker for each step that was cancelled. */
const MAX_HELD = 4

/**
 * Reads one stage of a pull: `start`, batches, end marker, `end`. Pull-driven: a batch is acknowledged when the reader asks for the next
 * one, and the server sends no other before that. A reader that leaves early ends the stage early.
 *
 * @param batchTimeoutMs - how long the server may take for the first batch, and between an acknowledgement and the next one
 * @returns the items of the batches, each an array, unchecked
 * @throws TransferError `step-failed` when the server could not read it to its end; `batch-timeout`
 */
export async function* readStage(
  session: TransferSession,
  stage: Stage,
  batchTimeoutMs: number,
): AsyncGenerator<unknown[], void> {
  const inbox = new Inbox(session)
  let unacknowledged: Batch | undefined
  let isStarted = false
  try {
    inbox.accept(await start(session, stage))
    isStarted = true
    for (;;) {
      const batch = await inbox.next(batchTimeoutMs)
      if (batch.hasEnded || batch.hasError) {
        session.acknowledge(batch)
        isStarted = false
        if (batch.hasError)
          throw fail(
            session,
            new TransferError('step-failed', `Strapi could not read the stage "${stage}" to its end`),
          )
        await session.stage({ action: 'end', step: stage })
        return
      }
      unacknowledged = batch
      yield batch.items ?? []
      session.acknowledge(batch)
      unacknowledged = undefined
    }
  } finally {
    inbox.close()
    // The end marker that follows the acknowledgement belongs to no stage any more. It is acknowledged all the same.
    if (isStarted && !session.failure.aborted) {
      await session.stage({ action: 'end', step: stage })
      if (unacknowledged !== undefined) session.acknowledge(unacknowledged)
    }
  }
}

/** After a failed step its `end` is never answered: nothing more can be done with this transfer (spec 8.2). */
const fail = (session: TransferSession, error: TransferError): TransferError => {
  session.abort(error)
  return error
}

const start = async (session: TransferSession, stage: Stage): Promise<string> => {
  const limits = stage === 'assets' ? ASSETS_START : undefined
  const data = await session.stage({ action: 'start', step: stage }, limits)
  const { id } = (data ?? {}) as { id?: unknown }
  if (typeof id === 'string' && id !== '') return id
  throw fail(session, new TransferError('answer-unexpected', `Strapi gave the stage "${stage}" no ID`))
}

/** Batches that have arrived before the reader asked for them. Listens before `start` is sent, because batches may come before its answer. */
class Inbox {
  private readonly held: Batch[] = []
  private id: string | undefined
  private notify: ((batch: Batch) => void) | undefined

  constructor(private readonly session: TransferSession) {
    session.onBatch = (batch) => this.take(batch)
  }

  /** From now on it is known which batches are meant. */
  accept(id: string): void {
    this.id = id
    for (const batch of this.held.splice(0)) this.take(batch)
  }

  /** @throws TransferError `batch-timeout`, or what ended the transfer */
  async next(timeoutMs: number): Promise<Batch> {
    this.session.failure.throwIfAborted()
    const held = this.held.shift()
    if (held !== undefined) return held
    const timer = setTimeout(() => this.session.abort(late(timeoutMs)), timeoutMs)
    try {
      return await this.session.whileAlive(new Promise<Batch>((resolve) => (this.notify = resolve)))
    } finally {
      clearTimeout(timer)
      this.notify = undefined
    }
  }

  close(): void {
    this.session.onBatch = undefined
    for (const batch of this.held.splice(0)) this.session.acknowledge(batch)
  }

  private take(batch: Batch): void {
    // Of an earlier stage that was left early.
    if (this.id !== undefined && batch.id !== this.id) return this.session.acknowledge(batch)
    const { notify } = this
    this.notify = undefined
    if (notify !== undefined) return notify(batch)
    this.held.push(batch)
    if (this.held.length > MAX_HELD)
      this.session.abort(new TransferError('frame-unexpected', 'Strapi sends batches without waiting'))
  }
}

const late = (timeoutMs: number): TransferError =>
  new TransferError('batch-timeout', `Strapi sent no batch for ${timeoutMs} ms`)
