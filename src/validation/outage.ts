/** Why a transport has no values to give right now, for the clients that wait for one. */
export interface Outage {
  code: string
  message: string
  sinceUnixMs: number
  nextAttemptUnixMs?: number
}
