/** Work whose result goes to all who ask for it while it goes on. */
export class Shared<T> {
  private running: Promise<T> | undefined

  constructor(private readonly work: () => Promise<T>) {}

  get(): Promise<T> {
    return (this.running ??= this.work().finally(() => (this.running = undefined)))
  }
}
