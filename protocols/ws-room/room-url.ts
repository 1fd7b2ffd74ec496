import { type RoomPlace } from './config'
import { type ConnectionStringProblem, parseConnectionString } from './connection-string'
import { RoomError } from './room-error'

const PROBLEMS: Record<ConnectionStringProblem, string> = {
  empty: 'is empty',
  'no-colon': 'has no colon after the name of its transport',
  'unknown-transport': 'names no known transport; expected "ws-room:" and a URL',
  'unsupported-transport': 'names a transport that is not supported; expected "ws-room:" and a URL',
  'empty-url': 'has no URL',
  'bad-scheme': 'has a URL that is neither ws:// nor wss://',
  'bad-url': 'has a URL that is none',
  'credentials-in-url': 'has a name or password in its URL',
  'fragment-in-url': 'has a fragment in its URL',
}

/** The URL of the room that a connection string names. @throws RoomError when it names none that may be entered */
export const roomUrl = (connectionString: string, allowPlaintext: boolean): string => {
  const parsed = parseConnectionString(connectionString)
  if (!parsed.ok) {
    const named = parsed.transport === undefined ? '' : ` (${parsed.transport})`
    throw new RoomError('connection-string', `The connection string ${PROBLEMS[parsed.problem]}${named}`)
  }
  if (parsed.isPlaintext && !allowPlaintext)
    throw new RoomError(
      'connection-string',
      'The connection string asks for ws:// without TLS, which is not allowed',
    )
  return parsed.url
}

/** The URL by which a place is known before anything is asked: of the room, or of the realm. @throws RoomError when it is none */
export const placeUrl = (place: RoomPlace, allowPlaintext: boolean): string => {
  if ('connectionString' in place) return roomUrl(place.connectionString, allowPlaintext)
  const protocols = allowPlaintext ? ['https:', 'http:'] : ['https:']
  const isGood = URL.canParse(place.realm) && protocols.includes(new URL(place.realm).protocol)
  if (isGood) return place.realm
  throw new RoomError('connection-string', `The URL of the realm is not one of ${protocols.join(' or ')}`)
}
