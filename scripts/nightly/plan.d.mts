export interface Job {
  name: string
  minutes: number
  command: string[]
  env?: Record<string, string>
  isNice?: boolean
}

export const MOST_MINUTES: number
export const NIGHTS: number
export function partOn(day: number, parts: number): string
export function roundsOf(day: number): Job[][]
export function minutesOf(rounds: Job[][]): number
