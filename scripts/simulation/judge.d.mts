import { type Plan } from './plan.mjs'
import { type Report } from './venue.mjs'

export type Ask = (
  symbol: string,
) => Promise<{ status: number; body: { error?: { reason?: { code?: string } } } }>

export function tryOut(
  plan: Plan,
  of: {
    ask: Ask
    nowMs: () => number
    pause: (ms: number) => Promise<void>
    restart: () => void
    say?: (line: string) => void
  },
): Promise<string[]>
export function brokenIn(report: Pick<Report, 'broken'>): string[]
