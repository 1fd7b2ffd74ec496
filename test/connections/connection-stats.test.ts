import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConnectionStats, shownUrl } from '../../src/connections/connection-stats'
import { metrics } from '../../src/metrics/registry'
import { renderMetrics } from '../../src/metrics/render'
import { parseSamples } from '../../src/testing/samples'
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

describe('OB-1: the labels of connections', () => {
  const labelsOf = async (name: string) =>
    parseSamples(await renderMetrics())
      .filter((sample) => sample.name === name)
      .map(({ labels, value }) => ({ ...labels, value }))
  beforeEach(() => {
    metrics.initialize()
    for (const name of ['wsConnectionErrors', 'wsConnectionClosures', 'wsConnectionFailoverCount'] as const)
      metrics.get(name).reset()
  })

  it('have errors by code, and no more of them than a limit, whatever they are', async () => {
    const stats = new ConnectionStats()
    for (let n = 0; n < 102; n++) stats.errored(`MADE_UP_${n}`)
    stats.errored('MADE_UP_0')
    const shown = await labelsOf('ws_connection_errors')
    expect(shown).toHaveLength(101)
    expect(shown).toContainEqual({ message: 'MADE_UP_0', value: 2 })
    expect(shown).toContainEqual({ message: 'other', value: 2 })
  })

  it('have no more URLs and close codes than a limit', async () => {
    const stats = new ConnectionStats()
    for (let n = 0; n < 102; n++) {
      stats.closed(3_000 + n, 'wss://h.example/a')
      stats.failedOver('ws', `wss://h.example/${n}`, n)
    }
    stats.closed(3_000, 'wss://h.example/a')
    const closures = await labelsOf('ws_connection_closures')
    expect(closures).toHaveLength(101)
    expect(closures).toContainEqual({ code: '3000', url: 'wss://h.example/a', value: 2 })
    expect(closures).toContainEqual({ code: 'other', url: 'other', value: 2 })
    const counts = await labelsOf('ws_connection_failover_count')
    expect(counts).toHaveLength(101)
    expect(counts).toContainEqual({ transport_name: 'ws', url: 'other', value: 101 })
  })
})
