import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/config/config-error'
import { admission, type PeerAccount } from '../admission'

const TOKEN = 'a-token-of-length-enough'

const account = (of: Partial<PeerAccount> = {}): PeerAccount => ({
  name: 'one',
  rank: 1,
  token: TOKEN,
  ...of,
})

const admit = (of: Partial<Parameters<typeof admission>[0]> = {}) =>
  admission({ host: '127.0.0.1', accounts: [], asksForCertificates: false, mayAnybodyPush: false, ...of })

const caller = (authorization?: string, certificateName?: string) => ({
  headers: authorization === undefined ? {} : { authorization },
  url: '/',
  host: '127.0.0.1',
  certificateName,
})

describe('who may push', () => {
  it.each(['0.0.0.0', '::', '10.0.0.1', 'prices.example', '', '127.example.com', '128.0.0.1'])(
    'is nobody on %s, as long as nobody is named',
    (host) => {
      expect(() => admit({ host })).toThrow(ConfigError)
      expect(() => admit({ host })).toThrow('anybody who reaches')
    },
  )

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])(
    'is anybody on %s, which this machine alone reaches',
    (host) => {
      expect(admit({ host })(caller())).toEqual({ name: 'anybody', rank: 1 })
    },
  )

  it('is no page in a browser, whoever wrote it, unless anybody is', () => {
    const page = { ...caller(), headers: { origin: 'https://evil.example' } }
    expect(admit()(page)).toBeUndefined()
    expect(admit({ mayAnybodyPush: true })(page)?.name).toBe('anybody')
  })

  it('is anybody anywhere, once that is said in so many words', () => {
    expect(admit({ host: '0.0.0.0', mayAnybodyPush: true })(caller())?.name).toBe('anybody')
  })

  it('is who shows a token, and nobody else, not even on this machine', () => {
    const identify = admit({ accounts: [account(), account({ name: 'two', rank: 2, token: `${TOKEN}-2` })] })
    expect(identify(caller(`Bearer ${TOKEN}-2`))).toEqual({ name: 'two', rank: 2 })
    expect(identify(caller(`bearer  ${TOKEN}`))?.name).toBe('one')
    for (const wrong of [undefined, '', 'Bearer', 'Bearer ', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, TOKEN])
      expect(identify(caller(wrong))).toBeUndefined()
  })

  it('is who shows a certificate of a name that is known', () => {
    const byName = account({ token: undefined, certificateName: 'prices' })
    const identify = admit({ accounts: [byName], asksForCertificates: true })
    expect(identify(caller(undefined, 'prices'))).toEqual({ name: 'one', rank: 1 })
    expect(identify(caller(undefined, 'others'))).toBeUndefined()
    expect(identify(caller())).toBeUndefined()
  })

  it.each([
    ['a short token', [account({ token: 'short' })], 'at least 16'],
    ['no way to be told', [account({ token: undefined })], 'needs a token or a certificate'],
    ['a rank of zero', [account({ rank: 0 })], 'a rank is'],
    ['half a rank', [account({ rank: 1.5 })], 'a rank is'],
    ['a name that is no label', [account({ name: 'a b' })], 'a name has'],
    ['two of one name', [account(), account({ token: `${TOKEN}2` })], 'the same name'],
    ['two of one token', [account(), account({ name: 'two' })], 'the same token'],
    ['a certificate that nobody asks for', [account({ certificateName: 'x' })], 'does not ask for'],
  ])('is refused where there is %s', (_what, accounts, said) => {
    expect(() => admit({ accounts })).toThrow(said)
  })

  it('is refused where tokens are asked for and anybody may push all the same', () => {
    expect(() => admit({ accounts: [account()], mayAnybodyPush: true })).toThrow('choose one')
  })

  it('SC-1: names no token in what it refuses', () => {
    const message = (() => {
      try {
        admit({ accounts: [account({ token: 'hunter2' }), account({ token: 'hunter2', rank: -1 })] })
      } catch (error) {
        return (error as Error).message
      }
      return 'hunter2'
    })()
    expect(message).not.toContain('hunter2')
  })
})
