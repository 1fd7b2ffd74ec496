import { basename, dirname, sep } from 'node:path'

/** The store of the code that runs for an adapter. Authors' tests compare it as the contract has it (6.7), so that the owner is not seen. */
export class OwnedStore {
  readonly #owner: string
  readonly #endpoint: string | undefined
  #isGivenUp = false

  /**
   * @param owner - the name of the adapter
   * @param endpoint - the name of its endpoint, where the code runs for one
   */
  constructor(
    readonly correlationId: string,
    owner: string,
    endpoint?: string,
  ) {
    this.#owner = owner
    this.#endpoint = endpoint
  }

  /** What runs with this store counts for nothing while `isSo`. */
  giveUp(isSo = true): void {
    this.#isGivenUp = isSo
  }

  /** Whether the code that has this store was given up. */
  static isGivenUp(store: unknown): boolean {
    return typeof store === 'object' && store !== null && #owner in store && store.#isGivenUp
  }

  /** The name of the adapter for which the code runs that has this store; undefined where it does not say. */
  static ownerIn(store: unknown): string | undefined {
    return typeof store === 'object' && store !== null && #owner in store ? store.#owner : undefined
  }

  /** For a line of the log that is written with this store. */
  static fieldsIn(store: unknown): { adapter: string; endpoint?: string } | undefined {
    if (!(typeof store === 'object' && store !== null && #owner in store)) return undefined
    const endpoint = store.#endpoint
    return { adapter: store.#owner, ...(endpoint !== undefined && { endpoint }) }
  }
}

/** The files of a stack, from the innermost call on, without those of Node. */
const allFilesOf = (stack: string): string[] =>
  [...stack.matchAll(/^ +at .*?(?:file:\/\/)?((?:\/|[A-Za-z]:[\\/])[^()\n]*?):\d+:\d+\)?$/gm)].map(
    ([, file = '']) => file,
  )

/**
 * Where all of this package's own code is that adapters are built on: the folder above this file's, or, where all of it is one file, that
 * file's. It is found in a stack, because a file that asks Node.js where it is stays out of that one, and with it all that needs it.
 */
const [HERE = sep] = allFilesOf(new Error('here').stack ?? '').map(dirname)
const OURS = (basename(HERE) === 'util' ? dirname(HERE) : HERE) + sep

/** The files of a stack, from the innermost call on, without those of Node and of this package. */
const filesOf = (stack: unknown): string[] =>
  typeof stack === 'string' ? allFilesOf(stack).filter((file) => !file.startsWith(OURS)) : []

/** The folder of the code that has called this package, where an author's code is. */
export const callersHome = (): string | undefined => {
  const [file] = filesOf(new Error('where').stack)
  return file === undefined ? undefined : dirname(file)
}

/**
 * Whose code an error comes from: the innermost of its calls that is in one of these folders says so. Of folders in each other, the inner
 * one; undefined where two have the same, and for what has no stack.
 */
export const ownerByStack = <T>(error: unknown, homes: readonly (readonly [T, string])[]): T | undefined => {
  for (const file of filesOf(stackOf(error))) {
    const around = homes.filter(([, home]) => isIn(file, home))
    const depth = Math.max(0, ...around.map(([, home]) => home.length))
    const [owner, ...others] = around.filter(([, home]) => home.length === depth)
    if (owner !== undefined) return others.length === 0 ? owner[0] : undefined
  }
  return undefined
}

const stackOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null ? (error as { stack?: unknown }).stack : undefined

/** Packages that are installed below a folder are not its author's. */
const isIn = (file: string, home: string): boolean =>
  file.startsWith(home + sep) && !file.slice(home.length).includes(`${sep}node_modules${sep}`)
