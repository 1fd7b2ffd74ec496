import { type Direction, type Stage, STAGES, type TransferAction } from './frames'

/**
 * Where one transfer stands (spec 7):
 *
 * open → initialised → ready ⇄ streaming → closed → ended; any of them → failed.
 *
 * `passed` is how far a push has come on the server's list of stages: it may skip forward, and never goes back.
 */
export type LifecycleState =
  | { at: 'open' }
  | { at: 'initialised' }
  | { at: 'ready'; passed: number; hasCleared: boolean }
  | { at: 'streaming'; stage: Stage; passed: number; hasCleared: boolean }
  /** `outcome`: closing a push commits it. After either only `end` may follow. */
  | { at: 'closed'; outcome: 'closed' | 'rolled-back' }
  | { at: 'ended' }
  | { at: 'failed' }

/** What was answered without an error, or `fail` for everything that ends a transfer before its time. */
export type LifecycleEvent =
  | { type: 'init' }
  | { type: TransferAction }
  | { type: 'start' | 'stream' | 'end-stage'; stage: Stage }
  | { type: 'end' }
  | { type: 'fail' }

export const OPENED: LifecycleState = { at: 'open' }

const READY: LifecycleState = { at: 'ready', passed: -1, hasCleared: false }

type Next = LifecycleState | undefined

const inReady = (
  state: LifecycleState & { at: 'ready' },
  event: LifecycleEvent,
  direction: Direction,
): Next => {
  if (event.type === 'start') {
    const place = STAGES.indexOf(event.stage)
    if (direction === 'push' && place < state.passed) return undefined
    return { ...state, at: 'streaming', stage: event.stage, passed: Math.max(place, state.passed) }
  }
  const mayClear = direction === 'push' && state.passed === -1 && !state.hasCleared
  if (event.type === 'beforeTransfer') return mayClear ? { ...state, hasCleared: true } : undefined
  // In a pull both may be repeated; that has no use here and stays out.
  return event.type === 'close' ? { at: 'closed', outcome: 'closed' } : undefined
}

const inStreaming = (
  state: LifecycleState & { at: 'streaming' },
  event: LifecycleEvent,
  direction: Direction,
): Next => {
  if (event.type === 'stream') return direction === 'push' && event.stage === state.stage ? state : undefined
  if (event.type !== 'end-stage' || event.stage !== state.stage) return undefined
  return { at: 'ready', passed: state.passed, hasCleared: state.hasCleared }
}

/**
 * The state after an event, or undefined where the event has no place: then it must not be sent. Pure; a transfer asks before it sends
 * and moves on after the answer.
 *
 * `end` has a place only after `close` or `rollback`: in a push, alone it would leave the server's transaction open for ever (spec 11.3).
 */
export const nextState = (state: LifecycleState, event: LifecycleEvent, direction: Direction): Next => {
  if (event.type === 'fail') return state.at === 'ended' ? state : { at: 'failed' }
  const isLooking = event.type === 'getMetadata' || event.type === 'getSchemas'
  if (isLooking) return state.at === 'ready' || state.at === 'streaming' ? state : undefined
  const mayRollBack = direction === 'push' && (state.at === 'ready' || state.at === 'streaming')
  if (event.type === 'rollback') return mayRollBack ? { at: 'closed', outcome: 'rolled-back' } : undefined
  if (state.at === 'open') return event.type === 'init' ? { at: 'initialised' } : undefined
  if (state.at === 'initialised') return event.type === 'bootstrap' ? READY : undefined
  if (state.at === 'ready') return inReady(state, event, direction)
  if (state.at === 'streaming') return inStreaming(state, event, direction)
  return state.at === 'closed' && event.type === 'end' ? { at: 'ended' } : undefined
}
