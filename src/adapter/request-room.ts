import { getHeapStatistics } from 'node:v8'
import { AdapterError } from '../validation/errors'

/** The part of the heap that requests on their way may take. */
const HEAP_PART = 4

/** There is no room for another request at this moment. */
export class BusyError extends AdapterError {
  constructor() {
    super({ statusCode: 503, message: 'Too many requests are on their way here. Retry after a short delay' })
  }
}

/** How much memory requests may take from their first byte to their answer, in bytes. */
export class RequestRoom {
  private heldBytes = 0

  constructor(readonly capacityBytes = Math.floor(getHeapStatistics().heap_size_limit / HEAP_PART)) {}

  /** @throws BusyError when there is not so much room; then none is taken */
  take(bytes: number): void {
    if (this.heldBytes + bytes > this.capacityBytes) throw new BusyError()
    this.heldBytes += bytes
  }

  free(bytes: number): void {
    this.heldBytes -= bytes
  }
}

/** The heap is the process's, so its room is one for all servers, however many adapters there are. */
export const requestRoom = new RequestRoom()
