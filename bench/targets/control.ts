/** What all targets have: they say where they listen, and do what the bench tells them. */
import type inspector from 'node:inspector/promises'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, type Server } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const CPU_SAMPLING_US = 100
const HEAP_SAMPLING_BYTES = 32_768

// Started or not: nobody is left to work for when the bench has gone.
process.on('disconnect', () => process.exit(0))

type Handlers = Record<string, (values: never) => unknown>

/** A `--name=value` argument of this process. @throws Error when it is missing and there is no fallback */
export const argument = (name: string, fallback?: string): string => {
  const given = process.argv.find((text) => text.startsWith(`--${name}=`))
  if (given !== undefined) return given.slice(name.length + 3)
  if (fallback !== undefined) return fallback
  throw new Error(`Missing argument --${name}`)
}

export const portOf = (server: Pick<Server, 'address'>): number => (server.address() as AddressInfo).port

/** Collected twice: the second time frees what finalizers of the first let go. */
const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
}

let session: inspector.Session | undefined

const connected = (): inspector.Session => {
  if (session !== undefined) return session
  // Loaded when it is asked for: a target that is not looked into shall not carry it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { Session } = require('node:inspector/promises') as typeof inspector
  session = new Session()
  session.connect()
  return session
}

const profiling: Handlers = {
  startCpuProfile: async () => {
    await connected().post('Profiler.enable')
    await connected().post('Profiler.setSamplingInterval', { interval: CPU_SAMPLING_US })
    await connected().post('Profiler.start')
  },
  saveCpuProfile: async ({ file }: { file: string }) => {
    const { profile } = await connected().post('Profiler.stop')
    await writeFile(file, JSON.stringify(profile))
  },
  /** Objects that a collection takes away leave the profile: it shows what stayed. */
  startHeapProfile: () =>
    connected().post('HeapProfiler.startSampling', { samplingInterval: HEAP_SAMPLING_BYTES }),
  saveHeapProfile: async ({ file }: { file: string }) => {
    collectGarbage()
    const { profile } = await connected().post('HeapProfiler.stopSampling')
    await writeFile(file, JSON.stringify(profile))
  },
}

/**
 * Tells the bench that this process listens, and does from now on what the bench says. A command that fails ends the process.
 *
 * @param port - 0 for a process without requests to answer
 */
export const reportListening = (port: number, handlers: Handlers = {}): void => {
  const all: Record<string, (values: never) => unknown> = {
    ...profiling,
    ...handlers,
    collectGarbage,
    end: () => setImmediate(() => process.exit(0)),
  }
  process.on('message', ({ id, command, values }: { id: number; command: string; values: unknown }) => {
    const answer = async () => {
      const handler = all[command]
      if (handler === undefined) throw new Error(`Nobody here knows how to ${command}`)
      return handler(values as never)
    }
    void answer().then(
      (result) => process.send?.({ id, result: command === 'end' ? undefined : result }),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.send?.({ port })
}
