/** The wall clock of the processes of one trial, moved from outside. */
export class WallClock {
  /** @param path - of the file that the processes look at; it is made */
  constructor(path: string)
  /** What a process needs in its environment to go by this clock. */
  readonly env: Record<string, string>
  /** Sets the clock, forwards or back, and resolves when every process goes by it. */
  step(byMs: number): Promise<void>
  /** The machine sleeps: its processes stand still, and when they go on the wall clock alone is ahead by as much. */
  sleep(forMs: number, sleepers: { freeze(): void; thaw(): void }[]): Promise<void>
  close(): void
}
