import Module from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { DefinitionError } from '../../codecs/errors'
import { createInbound } from '../../codecs/inbound'
import { createOutbound } from '../../codecs/outbound'
import { decoding } from './vectors'

type Load = (request: string, ...rest: unknown[]) => unknown
const modules = Module as unknown as { _load: Load }

/** As if a package were not installed. */
function without(absent: string): void {
  const load = modules._load.bind(modules)
  vi.spyOn(modules, '_load').mockImplementation((request, ...rest) => {
    if (request === absent) throw new Error(`Cannot find module '${absent}'`)
    return load(request, ...rest)
  })
}

afterEach(() => vi.restoreAllMocks())

const decompress = (algorithm: string) => ({
  codec: 'null',
  preprocessors: [{ name: 'decompress', config: { algorithm } }],
})

describe('a package that is not installed', () => {
  it.each([
    ['yaml', { codec: 'yaml' }],
    ['avsc', { codec: { name: 'avro', config: { schema: 'int' } } }],
    ['@bokuweb/zstd-wasm', decompress('zstd')],
    ['lz4-napi', decompress('lz4')],
    ['snappy', decompress('snappy')],
    ['@napi-rs/lzma', decompress('xz2')],
  ])('%s refuses what needs it, by its name', (name, definition) => {
    without(name)
    expect(() => createInbound(definition)).toThrow(DefinitionError)
    expect(() => createInbound(definition)).toThrow(`needs the package ${name}, which cannot be loaded`)
  })

  it('refuses a stage of the way out, too', () => {
    without('lz4-napi')
    const postprocessors = [{ name: 'compress', config: { algorithm: 'lz4' } }]
    expect(() => createOutbound({ codec: 'json', postprocessors }, { life: 'stream' })).toThrow(
      'lz4 needs the package lz4-napi',
    )
  })

  it('refuses nothing that does not need it', () => {
    for (const name of ['yaml', 'avsc', '@bokuweb/zstd-wasm', 'lz4-napi', 'snappy', '@napi-rs/lzma']) {
      without(name)
    }
    expect(() => createInbound(decompress('gzip'))).not.toThrow()
    expect(() => createInbound({ codec: 'msgpack', preprocessors: ['separate'] })).not.toThrow()
  })

  it('fails what autodetect finds in that format, and nothing else', async () => {
    without('@bokuweb/zstd-wasm')
    const inbound = createInbound({ codec: 'string', preprocessors: ['decompress'] })
    await inbound.prepare()
    const stream = decoding(inbound.stream())
    const [outcome] = stream.receive(Buffer.from('28b52ffd0458210000736e6f7479d168b9', 'hex'), 0n)
    expect(outcome).toMatchObject({
      kind: 'failure',
      error: { message: expect.stringContaining('zstd needs the package @bokuweb/zstd-wasm') },
    })
    expect(stream.receive(Buffer.from('plain'), 0n)).toMatchObject([{ value: 'plain' }])
  })
})
