import { type RoomPlace, type WsRoomOptions } from '../..'
import { type config } from './config'

type Settings = typeof config.settings

const DAY_MS = 24 * 3_600_000

const placeOf = ({ CONNECTION_STRING: connectionString = '', REALM_URL: realm }: Settings): RoomPlace =>
  realm ? { realm } : { connectionString }

/** What the settings say of the room. */
export const optionsOf = (settings: Settings): WsRoomOptions => ({
  place: placeOf(settings),
  privateKey: settings.PRIVATE_KEY,
  delegation: settings.DELEGATION,
  signers: settings.SIGNERS.split(',').map((signer) => signer.trim()),
  sceneId: settings.SCENE_ID,
  maxAgeMs: settings.MAX_PRICE_AGE_MS,
  trustServer: settings.TRUST_SERVER,
  welcomeAtOnce: settings.WELCOME_AT_ONCE,
  allowPlaintext: settings.ALLOW_PLAINTEXT,
  expiryWarningMs: settings.KEY_WARNING_DAYS * DAY_MS,
  ...(settings.SERVER_CA ? { tls: { ca: settings.SERVER_CA } } : {}),
})
