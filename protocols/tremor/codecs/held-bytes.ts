import type { StageBudget } from './stage-budget'

const nothing = Buffer.alloc(0)

/**
 * Bytes that a stage keeps until more of them have come. The room for them doubles when it is full, so that a
 * message that arrives byte by byte costs about as much as one that comes at once. What is kept is copied: a few
 * bytes do not hold the memory of the message that they came with.
 */
export class HeldBytes {
  private room: Buffer = nothing
  private held = 0

  constructor(private readonly budget: StageBudget) {}

  get length(): number {
    return this.held
  }

  /** @throws CodecError where the stream holds too much already; nothing is added then */
  add(piece: Buffer): void {
    this.budget.take(piece.length)
    const length = this.held + piece.length
    if (length > this.room.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.room.length))
      this.room.copy(room, 0, 0, this.held)
      this.room = room
    }
    piece.copy(this.room, this.held)
    this.held = length
  }

  /** What is held and the piece behind it, as one; nothing is held any more. */
  takeWith(piece: Buffer): Buffer {
    if (this.held === 0) return piece
    const all = Buffer.concat([this.room.subarray(0, this.held), piece])
    this.clear()
    return all
  }

  takeAll(): Buffer {
    return this.takeWith(nothing)
  }

  clear(): void {
    this.budget.giveBack(this.held)
    this.room = nothing
    this.held = 0
  }
}
