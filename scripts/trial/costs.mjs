/** What a process costs, as the system counts it: nothing is loaded into the process for that. Linux alone has these files. */
import { existsSync, readFileSync } from 'node:fs'
import { nowMs } from '../outside/waiting.mjs'

const NS_PER_MS = 1e6

/** Of the main thread, which is the event loop: the time on a processor, and that for which it waited for one. */
const loopOf = (pid) => {
  const path = `/proc/${pid}/task/${pid}/schedstat`
  if (!existsSync(path)) throw new Error('one of the processes has ended')
  const [onCpu, waited] = readFileSync(path, 'utf8').split(' ').map(Number)
  return { onCpuMs: onCpu / NS_PER_MS, waitedMs: waited / NS_PER_MS }
}

/** Processor time of the event loop so far. */
export const loopMs = (pid) => loopOf(pid).onCpuMs

/**
 * From now on.
 *
 * @returns a function that says how much of the time the event loop was busy, of that in which it could have been: the machine may be too
 */
export const loopShare = (pid) => {
  const [from, fromMs] = [loopOf(pid), nowMs()]
  return () => {
    const to = loopOf(pid)
    return (to.onCpuMs - from.onCpuMs) / Math.max(1, nowMs() - fromMs - (to.waitedMs - from.waitedMs))
  }
}

const MEBIBYTE_KIB = 1_024
const memoryMib = (pid, field) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) / MEBIBYTE_KIB
}

/** The most memory that a process has had. */
export const peakMib = (pid) => memoryMib(pid, 'VmHWM')

/** What a list of processes shows of one. */
export const argvOf = (pid) =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/comm`, 'utf8')
