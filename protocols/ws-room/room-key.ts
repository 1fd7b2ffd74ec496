/**
 * Makes an ephemeral key for a room, offline. Reads the private key of the account from standard input, so that it stands in no history
 * and no list of processes; with `--new-account` it makes a throwaway account, prints its address and forgets its key.
 *
 *   npx tsx protocols/ws-room/room-key.ts [--days 30] < account-key.txt
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { newPrivateKey } from './ethereum'
import { delegate } from './identity'

const { values } = parseArgs({
  options: { days: { type: 'string', default: '30' }, 'new-account': { type: 'boolean', default: false } },
})
const accountPrivateKey = values['new-account'] ? newPrivateKey() : readFileSync(0, 'utf8').trim()
const { privateKey, delegation, owner, expiresAtUnixMs } = delegate({
  accountPrivateKey,
  validForMs: Number(values.days) * 24 * 3_600_000,
})
console.log(`# account ${owner}, until ${new Date(expiresAtUnixMs).toISOString()}`)
console.log(`WS_ROOM_PRIVATE_KEY=${privateKey}`)
console.log(`WS_ROOM_DELEGATION=${delegation}`)
