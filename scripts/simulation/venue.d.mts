import { type Numbers, type Plan } from './plan.mjs'

export interface Report {
  broken: Record<'connects' | 'messages' | 'subscriptions' | 'twice', number>
  seen: Record<'connects' | 'messages' | 'poisoned' | 'drops' | 'mostConnections', number>
  subscribed: number
  connections: number
}

export class Venue {
  readonly url: string
  constructor(rules: Numbers, kinds: Plan['kinds'], of: { nowMs: () => number; random?: () => number })
  start(): Promise<void>
  stop(): Promise<void>
  restart(): void
  report(): Report
}
