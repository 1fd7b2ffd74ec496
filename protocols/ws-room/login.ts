import { beginningOf } from '../../src/util/redaction'
import { type RoomMessage } from './packets'

/** How far the login has come: identified, then the challenge signed, then welcomed. */
export type LoginStage = 'identified' | 'signed' | 'joined'

/** Why a login, or the stay after it, has to end. */
export type LoginEnd = 'room-full' | 'replaced' | 'bad-challenge' | 'out-of-order'

export type LoginStep =
  | { kind: 'sign'; challenge: string; isConnectedElsewhere: boolean }
  | { kind: 'join'; alias: number; peers: Record<number, string> }
  | { kind: 'end'; why: LoginEnd; words: string }
  | { kind: 'ignore' }
  | { kind: 'peer-joined'; alias: number; address: string }
  | { kind: 'peer-left'; alias: number }
  | { kind: 'update'; alias: number; body: Uint8Array }

/** The server chooses the text that we sign. It must not be able to choose a delegation, or a price. */
const CHALLENGE = /^dcl-[A-Za-z0-9._-]{1,128}$/

const MAX_WORDS = 200

const end = (why: LoginEnd, words = ''): LoginStep => ({
  kind: 'end',
  why,
  words: beginningOf(words, MAX_WORDS, ''),
})

/**
 * What a server's message asks for. The reason of a kick is only words: servers send the same for a full room and for an address that
 * logged in elsewhere, so that the moment decides which it was.
 *
 * @param of.welcomeAtOnce - take a welcome that comes without a challenge
 */
export const nextStep = (
  stage: LoginStage,
  message: RoomMessage,
  of: { welcomeAtOnce: boolean },
): LoginStep => {
  switch (message.case) {
    case 'challengeMessage': {
      const { challengeToSign: challenge, alreadyConnected: isConnectedElsewhere } = message.value
      // One signature for each login: a second challenge is a server that collects them.
      if (stage !== 'identified') return end('out-of-order', 'a second challenge')
      return CHALLENGE.test(challenge)
        ? { kind: 'sign', challenge, isConnectedElsewhere }
        : end('bad-challenge')
    }
    case 'welcomeMessage': {
      const { alias, peerIdentities: peers } = message.value
      if (stage === 'joined') return { kind: 'ignore' }
      if (stage === 'identified' && !of.welcomeAtOnce)
        return end('out-of-order', 'a welcome without a challenge')
      return { kind: 'join', alias, peers }
    }
    case 'peerKicked':
      return end(stage === 'joined' ? 'replaced' : 'room-full', message.value.reason)
    case 'peerJoinMessage':
      return stage === 'joined' ? { kind: 'peer-joined', ...message.value } : { kind: 'ignore' }
    case 'peerLeaveMessage':
      return stage === 'joined' ? { kind: 'peer-left', alias: message.value.alias } : { kind: 'ignore' }
    case 'peerUpdateMessage': {
      const { fromAlias: alias, body } = message.value
      return stage === 'joined' ? { kind: 'update', alias, body } : { kind: 'ignore' }
    }
    // Messages that only clients send, and unknown ones: newer servers may send more kinds.
    case 'peerIdentification':
    case 'signedChallengeForServer':
    case undefined:
      return { kind: 'ignore' }
  }
}
