import { dial } from '../../../src/connections/dial'
import { type LinkLimits } from '../../../src/connections/link'
import { roomNameOf } from '../connection-string'
import { RoomSession, type RoomSessionOptions } from '../room-session'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { identityOf } from './vectors'

export const me = identityOf('dave')

export interface Heard {
  updates: { address: string; body: string }[]
  faults: string[]
  elsewhere: number
}

/** Enters a room as an adapter does, and notes everything that comes of it. */
export const entering = (
  url: string,
  options: Partial<RoomSessionOptions> & LinkLimits = {},
  signal: AbortSignal = new AbortController().signal,
) => {
  const heard: Heard = { updates: [], faults: [], elsewhere: 0 }
  const connecting = dial(
    {
      url,
      protocols: ['rfc5'],
      acceptsNoProtocol: true,
      maxPayloadBytes: 1_048_576,
      openTimeoutMs: GUARD_MS,
      closeTimeoutMs: GUARD_MS,
      ...options,
    },
    signal,
  )
  const entered = connecting.then((link) =>
    RoomSession.enter(
      link,
      {
        identity: me,
        room: roomNameOf(url),
        welcomeAtOnce: false,
        challengeTimeoutMs: GUARD_MS,
        welcomeTimeoutMs: GUARD_MS,
        onUpdate: (body, { address }) =>
          heard.updates.push({ address, body: Buffer.from(body).toString('hex') }),
        onFault: (fault) => heard.faults.push(fault),
        onConnectedElsewhere: () => heard.elsewhere++,
        ...options,
      },
      signal,
    ),
  )
  return { entered, heard }
}

/** What a refused entry says: its trouble, or the code of the connection's failure. */
export const troubleOf = async (entered: Promise<RoomSession>): Promise<string> => {
  try {
    await entered
  } catch (error) {
    const { trouble, reason } = error as { trouble?: string; reason?: { code: string } }
    return trouble ?? reason?.code ?? String(error)
  }
  return 'entered'
}
