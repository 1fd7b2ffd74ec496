import { type Job } from './plan.mjs'

export function runJob(
  job: Job,
  of: { folder: string; isAlone: boolean; minuteMs?: number },
): Promise<{ name: string; outcome: 'passed' | 'failed' | 'killed'; minutes: number; said: string }>
