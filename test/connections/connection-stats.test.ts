import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { shownUrl } from '../../src/connections/connection-stats'
import { CensorList, secretEntry } from '../../src/util/redaction'

afterEach(() => CensorList.set([]))

const part = fc.stringMatching(/^[a-z0-9]{8,16}$/)

describe('SC-4: the URL of a connection, as logs, labels and pages show it', () => {
  it('has neither user-info nor query, and no part of its path that is a secret or belongs to one', () => {
    fc.assert(
      fc.property(part, part, part, part, fc.boolean(), (user, password, key, query, isWhole) => {
        const url = `wss://${user}:${password}@h.example:8443/v3/${key}/stream?token=${query}`
        CensorList.set([secretEntry(isWhole ? 'RPC_URL' : 'API_KEY', isWhole ? url : key)])
        expect(shownUrl(url)).toBe(`wss://h.example:8443/[${isWhole ? 'RPC_URL' : 'API_KEY'} REDACTED]`)
      }),
    )
  })

  it('has a path that is no secret, also where the query is one', () => {
    CensorList.set([secretEntry('API_KEY', 'abcdefgh')])
    expect(shownUrl('wss://h.example/v2/stream?key=abcdefgh')).toBe('wss://h.example/v2/stream')
    expect(shownUrl('wss://h.example/')).toBe('wss://h.example')
    expect(shownUrl('')).toBe('')
    expect(shownUrl('abcdefgh')).toBe('invalid url')
  })

  it('is only named where its host is a secret', () => {
    CensorList.set([secretEntry('NODE', 'abcdefgh')])
    expect(shownUrl('wss://abcdefgh.example/v2')).toBe('[NODE REDACTED]')
  })
})
