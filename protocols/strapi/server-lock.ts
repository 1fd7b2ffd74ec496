import { sleep } from '../../src/util/sleep'
import { TransferError } from './errors'

interface Claim {
  owner: string
  enter: () => void
}

/**
 * Who is in a transfer with which server, and who waits. One memory for the process, because the servers are: two pushes at a time end
 * a Strapi process that runs on SQLite, and the end of one transfer may kill another (spec 12.3, 12.4).
 */
const claims = new Map<string, Claim[]>()

/** Waiting for a server that many others wait for already will not end in time. */
const MAX_WAITING = 100

export interface LockOptions {
  /** Name of this transport: told to others that waited for it in vain. */
  owner: string
  /** How long to wait for the others, in ms. */
  waitMs: number
  /** After so long the work is told to stop, in ms. The server is free when the work has ended. */
  holdMs: number
}

/** Waits for its turn. @returns what gives the turn back */
const enter = async (
  server: string,
  { owner, waitMs }: LockOptions,
  signal: AbortSignal,
): Promise<() => void> => {
  const queue = claims.get(server) ?? []
  if (queue.length >= MAX_WAITING) throw inUse(queue)
  claims.set(server, queue)
  const giveUp = new AbortController()
  const claim: Claim = { owner, enter: () => giveUp.abort() }
  queue.push(claim)
  const leave = (): void => {
    const place = queue.indexOf(claim)
    queue.splice(place, 1)
    if (queue.length === 0) claims.delete(server)
    else if (place === 0) queue[0]?.enter()
  }
  if (queue[0] !== claim) {
    const forward = (): void => giveUp.abort()
    signal.addEventListener('abort', forward)
    await sleep(waitMs, giveUp.signal)
    signal.removeEventListener('abort', forward)
  }
  if (signal.aborted) {
    leave()
    throw new TransferError('stopped', 'The transfer was stopped')
  }
  if (queue[0] === claim) return leave
  leave()
  throw inUse(queue)
}

const inUse = (queue: readonly Claim[]): TransferError =>
  new TransferError(
    'server-in-use',
    `Another transfer with this server is in progress, by ${queue[0]?.owner ?? 'another'}`,
  )

/**
 * Does some work while no other transfer of this process is with the server, in the order of asking.
 *
 * @param server - see `serverKey`
 * @param work - must end soon after its signal aborts; the signal's reason is a TransferError
 * @throws TransferError `server-in-use` after `waitMs`, `stopped` when the signal aborts before the turn came; what the work throws
 */
export const withServer = async <T>(
  server: string,
  options: LockOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const leave = await enter(server, options, signal)
  const holding = new AbortController()
  const stop = (): void => holding.abort(new TransferError('stopped', 'The transfer was stopped'))
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const late = (): void =>
    holding.abort(new TransferError('transfer-timeout', `The transfer took longer than ${options.holdMs} ms`))
  const timer = setTimeout(late, options.holdMs)
  try {
    return await work(holding.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    leave()
  }
}
