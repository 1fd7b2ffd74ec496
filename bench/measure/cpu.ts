import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100
/** Fields of /proc/<pid>/stat behind the name of the program, counted from 0. */
const PROCESS_GROUP = 2
const USER = 11
const SYSTEM = 12

const statOf = (pid: number | string): string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')

/** To the nanosecond, summed over the threads there are. */
const fromSchedstat = (pid: number): number => {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`))
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  return nanoseconds / 1e9
}

const fromStat = (pid: number): number => {
  const fields = statOf(pid)
  return (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS_PER_SECOND
}

/**
 * User and system time of a process so far, all threads, in seconds: exact where the kernel counts it so, else in steps of 10 ms.
 *
 * @throws Error when there is no such process
 */
export const cpuSecondsOf = (pid: number): number => {
  try {
    return fromSchedstat(pid)
  } catch {
    // A kernel without scheduler statistics, or a thread that ended while we looked.
    return fromStat(pid)
  }
}

/** The processes of a group: whoever started it, and all it started. */
export const membersOf = (group: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(statOf(pid)[PROCESS_GROUP]) === group
      } catch {
        return false
      }
    })
    .map(Number)

/** Resident memory in MiB, 1 MiB being 1 048 576 bytes. */
export const rssMiBOf = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** What a core has done since the machine started, in seconds. */
export interface CoreTimes {
  /** In programs and for them in the kernel; without interrupts, which no process is charged for. */
  busy: number
  /** Taken by the host for others. */
  steal: number
}

/** Reads the lines of /proc/stat, one per core, in the order of the cores. */
export const coreTimesIn = (text: string): CoreTimes[] =>
  text
    .split('\n')
    .filter((line) => /^cpu\d/.test(line))
    .map((line) => {
      const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(' ').slice(1).map(Number)
      return { busy: (user + nice + system) / TICKS_PER_SECOND, steal: steal / TICKS_PER_SECOND }
    })

export const coreTimes = (): CoreTimes[] => coreTimesIn(readFileSync('/proc/stat', 'utf8'))
