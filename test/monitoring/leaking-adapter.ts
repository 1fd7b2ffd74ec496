/** A process of one adapter that holds nearly all of its heap: process-faults.test.ts runs it. */
import { getHeapStatistics } from 'node:v8'
import '../service/exposed-adapter'

/** Exported, so that it is not thrown away. */
export const held: number[][] = []

if (process.env.LEAKS === 'true') {
  const { heap_size_limit: limit } = getHeapStatistics()
  while (getHeapStatistics().used_heap_size < 0.9 * limit)
    held.push(new Array<number>(100_000).fill(held.length + 0.5))
}
