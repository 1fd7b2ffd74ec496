/** One connection that is kept, on which one request follows the other. */
export class BusyClient {
  sent: number
  answers: { status: number; saysClose: boolean; text: string }[]
  /** Requests to which there came no answer, although the connection was open and had not been told to close. */
  lost: number
  wasToldToClose: boolean
  isClosed: boolean
  constructor(port: number, request: string, of?: { isBusy?: boolean })
  destroy(): void
}

export function requestOf(data: object, of?: { path?: string }): string
