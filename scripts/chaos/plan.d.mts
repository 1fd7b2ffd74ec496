export interface Plan {
  seed: number
  shape: 'expose' | 'service' | 'workers'
  retries: number
  asked: string[]
  steps: { do: string; ask: string }[]
}

/** The least number of steps of a world. */
export const STEPS: number
/** The kinds of steps, and what providers do by themselves, that are faults. */
export const FAULTS: string[]
export function planOf(seed: number, count?: number): Plan
