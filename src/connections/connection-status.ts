/** One connection of a transport, or one peer of its listener, as `/status` shows it. Nothing secret. */
export interface ConnectionStatus {
  role: 'client' | 'listener' | 'peer'
  state: string
  url?: string
  /** Address or name of the peer. */
  peer?: string
  /** Since when it has been open, or has not been. */
  sinceUnixMs: number
  /** How often it was open in all. */
  opened?: number
  nextAttemptUnixMs?: number
  lastError?: { code: string; message: string; unixMs: number }
  /** What the protocol has to say beside that. */
  details?: Record<string, string | number | boolean>
}
