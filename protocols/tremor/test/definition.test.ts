import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/config/config-error'
import {
  type ClientDefinition,
  parseClientDefinition,
  parseServerDefinition,
  type ServerDefinition,
} from '../definition'
import { vectorsOf } from './vectors'

type Given = { preprocessors?: unknown; postprocessors?: unknown }

interface Vector {
  type: 'ws_server' | 'ws_client'
  definition: Given
  expect: { config_error?: true; effective?: Record<string, unknown> }
}

type Definition = ServerDefinition | ClientDefinition

const parse = (type: Vector['type'], given: unknown): Definition =>
  type === 'ws_server' ? parseServerDefinition(given) : parseClientDefinition(given)

/** A definition in the words of the vectors; what was written for the stages is in working parts by then. */
const effective = (definition: Definition, given: Given): Record<string, unknown> => {
  const { address, noDelay, reconnect, tls } = definition
  return {
    host: address.host,
    port: address.port,
    tls: tls !== undefined,
    tls_domain: tls !== undefined && 'domain' in tls ? tls.domain : undefined,
    backlog: 'backlog' in definition ? definition.backlog : undefined,
    socket_options: { TCP_NODELAY: noDelay, SO_REUSEADDR: true, SO_REUSEPORT: false },
    preprocessors: given.preprocessors ?? [],
    postprocessors: given.postprocessors ?? [],
    reconnect:
      reconnect.strategy === 'none'
        ? 'none'
        : {
            retry: {
              interval_ms: reconnect.intervalMs,
              growth_rate: reconnect.growthRate,
              max_retries: reconnect.maxRetries,
              randomized: reconnect.randomized,
            },
          },
  }
}

describe('definitions of connectors', () => {
  it.each(vectorsOf<Vector>('config.json'))('$id: $title', ({ type, definition, expect: expected }) => {
    if (expected.config_error === true) {
      expect(() => parse(type, definition)).toThrow(ConfigError)
      return
    }
    expect(effective(parse(type, definition), definition)).toMatchObject(expected.effective ?? {})
  })

  const client = (config: object, more: object = {}) => ({
    codec: 'json',
    config: { url: 'ws://127.0.0.1:1', ...config },
    ...more,
  })

  it.each([
    ['TLS turned off for wss', client({ url: 'wss://127.0.0.1:1', tls: false })],
    ['a client certificate without its key', client({ tls: { cert: 'a.pem' } })],
    ['two values for one option', client({ no_delay: true, socket_options: { TCP_NODELAY: false } })],
    ['an option that Node cannot turn off', client({ socket_options: { SO_REUSEADDR: false } })],
    ['socket options that are null', client({ socket_options: null })],
    ['another scheme', client({ url: 'https://127.0.0.1' })],
    ['a stage without a name', client({}, { preprocessors: [{ config: {} }] })],
    ['a stage that is a list', client({}, { postprocessors: [['base64']] })],
    ['a streaming stage on a client', client({}, { postprocessors: [{ name: 'collect', config: {} }] })],
    [
      'a config that a stage does not know',
      client({}, { preprocessors: [{ name: 'separate', config: null }] }),
    ],
    ['no record at all', 'json'],
  ])('refuses %s', (_what, given) => {
    expect(() => parseClientDefinition(given)).toThrow(ConfigError)
  })

  it('takes TLS from the scheme of a client, but not from that of a server', () => {
    expect(parseClientDefinition(client({ url: 'wss://localhost' })).tls).toEqual({
      caFile: undefined,
      domain: 'localhost',
      keyPair: undefined,
    })
    expect(parseServerDefinition(client({ url: 'wss://localhost' })).tls).toBeUndefined()
    expect(parseClientDefinition(client({ tls: true })).tls).toBeDefined()
  })

  it('ignores other keys at the top, and in the record of a stage', () => {
    const stage = { name: 'separate', config: {}, note: 1 }
    const { inbound } = parseClientDefinition(client({}, { alias: 'x', preprocessors: [stage] }))
    const outcomes = [...inbound.stream().receive(Buffer.from('1\n2\n'), 0n)]
    expect(outcomes.map((outcome) => outcome.kind === 'event' && outcome.value)).toEqual([1, 2])
  })

  it('names everything that is wrong at once, and repeats no value', () => {
    const given = client({ url: 'nope://secret', tls: 'secret', socket_options: { A: 1 } }, { codec: 5 })
    let error: unknown
    try {
      parseClientDefinition(given)
    } catch (thrown) {
      error = thrown
    }
    expect((error as ConfigError).problems).toEqual([
      'ws_client: config.url: must be an address of a WebSocket, without a user',
      'ws_client: codec: expected a name or a record with a name',
      'ws_client: config.socket_options: unknown keys: A',
      'ws_client: config.socket_options.A: must be a boolean',
      'ws_client: config.tls: must be a record, a boolean or null',
    ])
  })
})
