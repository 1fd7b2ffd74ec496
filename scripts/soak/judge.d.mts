/** What the probe has seen at one time. */
export interface Sample {
  atMs: number
  heap: number
  timers: number
  sockets: number
  handles: number
  lagMs: number
}

export function lineThrough(points: [number, number][]): { rise: number; error: number }
export function problemsOf(samples: readonly Sample[]): string[]
export function samplesIn(text: string): Map<number, Sample[]>
