import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LoginStage, nextStep } from '../login'
import { decodePacket, type RoomMessage } from '../packets'
import { fixture } from './vectors'

const { frames } = fixture<{ frames: { name: string; hex: string }[] }>('protobuf.json')
const frame = (name: string) =>
  decodePacket(Buffer.from(frames.find((each) => each.name === name)!.hex, 'hex'))

const challenge = (challengeToSign: string): RoomMessage =>
  ({ case: 'challengeMessage', value: { challengeToSign, alreadyConnected: false } }) as RoomMessage

const strict = { welcomeAtOnce: false }
const step = (stage: LoginStage, message: RoomMessage, of = strict) => nextStep(stage, message, of)

describe('the login', () => {
  it('signs the challenge, and joins with the welcome', () => {
    expect(step('identified', frame('challenge'))).toEqual({
      kind: 'sign',
      challenge: 'dcl-0.817w5rejjft',
      isConnectedElsewhere: false,
    })
    expect(step('identified', frame('challenge-already-connected'))).toMatchObject({
      isConnectedElsewhere: true,
    })
    expect(step('signed', frame('welcome-big-alias'))).toEqual({
      kind: 'join',
      alias: 4294967295,
      peers: { 4294967294: '0x0fbf0969432bddbbfab1d5d643fe0aab0e35130d' },
    })
  })

  it.each([
    'Decentraland Login\nEphemeral address: 0x78102cB1e2FDC1212530446C09b6cAc2Fd93B43D\nExpiration: 2036-01-01T00:00:00Z',
    'oracle-price/1\nroom: x\nfeed: ETH/USD\nvalue: 1\nobserved_at: 1\nseq: 1',
    'dcl-',
    'dcl-a\n',
    'dcl-a b',
    'DCL-a',
    ' dcl-a',
    'dcl-é',
    `dcl-${'a'.repeat(129)}`,
    '',
  ])('signs nothing but a challenge: %j', (text) => {
    expect(step('identified', challenge(text))).toMatchObject({ kind: 'end', why: 'bad-challenge' })
  })

  it('signs once', () => {
    for (const stage of ['signed', 'joined'] as const)
      expect(step(stage, frame('challenge'))).toMatchObject({ kind: 'end', why: 'out-of-order' })
  })

  it('takes a welcome without a challenge only where that is allowed', () => {
    const welcome = frame('welcome-empty')
    expect(step('identified', welcome)).toMatchObject({ kind: 'end', why: 'out-of-order' })
    expect(step('identified', welcome, { welcomeAtOnce: true })).toEqual({
      kind: 'join',
      alias: 1,
      peers: {},
    })
    expect(step('joined', welcome)).toEqual({ kind: 'ignore' })
  })

  it('tells kicks apart by the moment, whatever the words', () => {
    const full = { kind: 'end', why: 'room-full', words: 'Already connected' }
    expect(step('identified', frame('kicked-reason'))).toEqual(full)
    expect(step('signed', frame('kicked-reason'))).toEqual(full)
    expect(step('joined', frame('kicked-reason'))).toEqual({ ...full, why: 'replaced' })
    expect(step('joined', frame('kicked-no-reason'))).toMatchObject({ why: 'replaced', words: '' })
    const long = { case: 'peerKicked', value: { reason: 'x'.repeat(1_000) } } as RoomMessage
    expect(step('joined', long)).toMatchObject({ words: 'x'.repeat(200) })
  })

  it('hears the others from the welcome on', () => {
    const steps = (stage: LoginStage) =>
      ['peer-join', 'peer-leave', 'update-received-unreliable'].map((name) => step(stage, frame(name)).kind)
    expect(steps('identified')).toEqual(['ignore', 'ignore', 'ignore'])
    expect(steps('signed')).toEqual(['ignore', 'ignore', 'ignore'])
    expect(steps('joined')).toEqual(['peer-joined', 'peer-left', 'update'])
  })

  it('survives ten thousand mutated frames at any stage, and signs nothing but challenges', () => {
    const bytes = frames.map(({ hex }) => Buffer.from(hex, 'hex'))
    const change = fc.tuple(fc.nat(100), fc.nat(255))
    const mutated = fc
      .tuple(fc.constantFrom(...bytes), fc.array(change, { maxLength: 4 }), fc.nat(120))
      .map(([sample, changes, length]) => {
        const whole = Buffer.from(sample)
        for (const [at, byte] of changes) whole[at % whole.length] = byte
        return whole.subarray(0, length)
      })
    fc.assert(
      fc.property(mutated, fc.constantFrom<LoginStage>('identified', 'signed', 'joined'), (bad, stage) => {
        let message: RoomMessage
        try {
          message = decodePacket(bad)
        } catch {
          return
        }
        const next = step(stage, message)
        if (next.kind === 'sign')
          expect([stage, /^dcl-[\w.-]{1,128}$/.test(next.challenge)]).toEqual(['identified', true])
        if (next.kind === 'end') expect(next.words.length).toBeLessThanOrEqual(200)
      }),
      { numRuns: 10_000 },
    )
  })

  it('ignores what only clients send, and what it does not know', () => {
    for (const name of ['identification', 'signed-challenge'])
      for (const stage of ['identified', 'signed', 'joined'] as const)
        expect(step(stage, frame(name))).toEqual({ kind: 'ignore' })
    expect(step('identified', decodePacket(Buffer.from('7a0301ffee', 'hex')))).toEqual({ kind: 'ignore' })
  })
})
