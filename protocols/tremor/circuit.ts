/** Whether senders may go on (tremor 10). */
export type CircuitState = 'open' | 'closed'

/** Tells of changes only; closed at the start. */
export class Circuit {
  private current: CircuitState = 'closed'
  private opened = 0
  private closed = 0

  constructor(private readonly onChange: (state: CircuitState) => void) {}

  get state(): CircuitState {
    return this.current
  }

  /** How often it has changed to each state. */
  get changes(): Readonly<Record<CircuitState, number>> {
    return { open: this.opened, closed: this.closed }
  }

  turn(state: CircuitState): void {
    if (state === this.current) return
    this.current = state
    if (state === 'open') this.opened++
    else this.closed++
    this.onChange(state)
  }
}
