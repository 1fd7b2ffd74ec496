import { deflateSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Algorithm } from '../../codecs/compression/algorithm'
import { autodetect } from '../../codecs/compression/autodetect'
import { lz4 } from '../../codecs/compression/lz4'
import { snappy } from '../../codecs/compression/snappy'
import { xz } from '../../codecs/compression/xz'
import { brotli, gzip, zlib } from '../../codecs/compression/zlib'
import { zstd } from '../../codecs/compression/zstd'
import { CodecError } from '../../codecs/errors'
import { bytes, readVectors } from './vectors'

const algorithms: Record<string, Algorithm> = {
  gzip: gzip(),
  zlib: zlib(),
  br: brotli(),
  zstd: zstd(),
  lz4: lz4(),
  xz2: xz(),
  snappy: snappy(),
}
const names = Object.keys(algorithms)
const of = (name: string) => algorithms[name] as Algorithm
const limit = 1024 * 1024

beforeAll(() => algorithms.zstd?.prepare?.())

/** Frames made by other programs, from the vectors. */
const foreign = (id: string): Buffer => {
  const vector = readVectors('pre-decompress.json').find((one) => one.id === `pre-decompress.${id}`)
  return bytes(vector!.steps[0]!.frame)
}

describe.each(names)('%s', (name) => {
  const texts = ['', 'x', 'ETH/USD '.repeat(100), 'z'.repeat(200_000)]

  it.each(texts.map((text) => [text.length, text]))('gives back %d bytes', (_length, text) => {
    const packed = of(name).compress(Buffer.from(text))
    expect(of(name).decompress(packed, limit).toString()).toBe(text)
  })

  it('refuses what becomes longer than allowed, and takes what becomes exactly as long', () => {
    const packed = of(name).compress(Buffer.alloc(limit, 'a'))
    expect(of(name).decompress(packed, limit)).toHaveLength(limit)
    expect(() => of(name).decompress(packed, limit - 1)).toThrow(CodecError)
    expect(() => of(name).decompress(of(name).compress(Buffer.alloc(32 * limit)), limit)).toThrow(CodecError)
  })

  it('refuses what is cut off anywhere, empty or no such object', () => {
    const packed = of(name).compress(Buffer.from('ETH/USD 1234.5 '.repeat(10)))
    for (let length = 0; length < packed.length; length++) {
      const cut = packed.subarray(0, length)
      // A frame of the snappy format is complete in itself: a cut between two of them cannot be seen.
      if (name === 'snappy' && length === 10) continue
      expect(() => of(name).decompress(cut, limit), `${length} bytes`).toThrow(CodecError)
    }
    expect(() => of(name).decompress(Buffer.from('not compressed at all'), limit)).toThrow(CodecError)
  })
})

describe('damage', () => {
  const checked: [string, Buffer, string][] = [
    ['gzip', foreign('001'), 'snot'],
    ['zlib', foreign('003'), 'snot'],
    ['zstd', foreign('005'), 'snot'],
    ['xz2', foreign('007'), 'snot'],
    ['snappy', foreign('009'), 'snot'],
    ['lz4', foreign('011'), 'snot'],
    ['lz4', foreign('032'), 'ETH/USD '.repeat(40)],
  ]

  it.each(checked)('never becomes other content of %s', (name, packed, content) => {
    for (let bit = 0; bit < packed.length * 8; bit++) {
      // The kind of a frame is under no checksum of the snappy format: this bit makes it one to be skipped.
      if (name === 'snappy' && bit === 87) continue
      const damaged = Buffer.from(packed)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      let result = content
      try {
        result = of(name).decompress(damaged, limit).toString()
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError)
      }
      expect(result, `bit ${bit}`).toBe(content)
    }
  })
})

describe('several objects in one chunk', () => {
  const twice = (name: string) => {
    const packed = of(name).compress(Buffer.from('ab'))
    return Buffer.concat([packed, packed])
  }

  it.each([
    ['gzip', 'abab'],
    ['zstd', 'abab'],
    ['snappy', 'abab'],
    ['zlib', 'ab'],
    ['lz4', 'ab'],
  ])('%s gives %s', (name, content) => {
    expect(of(name).decompress(twice(name), limit).toString()).toBe(content)
  })

  it('xz2 fails', () => {
    expect(() => of('xz2').decompress(twice('xz2'), limit)).toThrow(CodecError)
  })

  it('counts all of them against the limit', () => {
    for (const name of ['gzip', 'zstd', 'snappy']) {
      const packed = of(name).compress(Buffer.alloc(600))
      const both = Buffer.concat([packed, packed])
      expect(of(name).decompress(both, 1200)).toHaveLength(1200)
      expect(() => of(name).decompress(both, 1199)).toThrow(CodecError)
    }
  })

  it('ignores up to nine bytes after the last gzip member and bytes after zlib and lz4', () => {
    const packed = gzipSync('ab')
    expect(
      of('gzip')
        .decompress(Buffer.concat([packed, Buffer.alloc(9)]), limit)
        .toString(),
    ).toBe('ab')
    expect(() => of('gzip').decompress(Buffer.concat([packed, Buffer.alloc(10)]), limit)).toThrow(CodecError)
    const tail = Buffer.alloc(100, 7)
    expect(
      of('zlib')
        .decompress(Buffer.concat([deflateSync('ab'), tail]), limit)
        .toString(),
    ).toBe('ab')
    const frame = of('lz4').compress(Buffer.from('ab'))
    expect(
      of('lz4')
        .decompress(Buffer.concat([frame, tail]), limit)
        .toString(),
    ).toBe('ab')
  })

  it('fails for bytes after zstd and xz2', () => {
    for (const name of ['zstd', 'xz2']) {
      const packed = of(name).compress(Buffer.from('ab'))
      expect(() => of(name).decompress(Buffer.concat([packed, Buffer.of(0)]), limit)).toThrow(CodecError)
    }
  })
})

describe('headers', () => {
  it('reads a gzip header with all its parts, and checks its checksum', () => {
    const plain = gzipSync('ab')
    const header = Buffer.concat([
      Buffer.of(0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3),
      Buffer.of(3, 0, 1, 2, 3),
      Buffer.from('name\0comment\0'),
    ])
    // CRC-32 of exactly this header, low half.
    const sum = Buffer.from('3436', 'hex')
    const whole = Buffer.concat([header, sum, plain.subarray(10)])
    expect(() =>
      of('gzip').decompress(Buffer.concat([header, Buffer.alloc(2), plain.subarray(10)]), limit),
    ).toThrow(/checksum of the header/)
    expect(of('gzip').decompress(whole, limit).toString()).toBe('ab')
  })

  it('does not reserve what a zstd frame claims', () => {
    const claimsFourGigabytes = Buffer.from('28b52ffda0ffffffff010000', 'hex')
    const claimsMoreThanItHas = Buffer.from('28b52ffda000000f00010000', 'hex')
    for (const frame of [claimsFourGigabytes, claimsMoreThanItHas]) {
      expect(() => of('zstd').decompress(frame, limit)).toThrow(CodecError)
    }
    // The library works as before.
    expect(of('zstd').decompress(foreign('005'), limit).toString()).toBe('snot')
  })

  it('skips skippable frames of zstd, but wants one with content or at least one that is whole', () => {
    const skippable = Buffer.from('502a4d180200000061620a'.slice(0, 20), 'hex')
    expect(
      of('zstd')
        .decompress(Buffer.concat([skippable, foreign('005')]), limit)
        .toString(),
    ).toBe('snot')
    expect(() => of('zstd').decompress(skippable.subarray(0, 9), limit)).toThrow(CodecError)
  })

  it('refuses filters of .xz whose content cannot be counted', () => {
    const delta = Buffer.from(foreign('007'))
    delta[14] = 0x03
    expect(() => of('xz2').decompress(delta, limit)).toThrow(/filters/)
  })

  it('refuses a snappy block that claims to be longer than a block can be', () => {
    const block = Buffer.from('ff060000734e6150705900090000000000008080800400', 'hex')
    expect(() => of('snappy').decompress(block, limit)).toThrow(/too long/)
  })
})

describe('autodetect', () => {
  const detector = autodetect()
  beforeAll(() => detector.prepare?.())
  const detect = (data: Buffer) => detector.decompress(data, limit).toString('latin1')

  it.each(['gzip', 'zlib', 'zstd', 'lz4', 'xz2', 'snappy'])('unpacks %s', (name) => {
    expect(detect(of(name).compress(Buffer.from('ab')))).toBe('ab')
  })

  it('stops after the first gzip member, and ignores whatever follows', () => {
    expect(detect(Buffer.concat([gzipSync('a'), gzipSync('b')]))).toBe('a')
    expect(detect(Buffer.concat([gzipSync('a'), Buffer.alloc(50)]))).toBe('a')
  })

  it.each(['', 'snot', 'x^2+y', '{"p":1}', '\u001f\u008b123', 'xy-detect'])('passes %j unchanged', (text) => {
    expect(detect(Buffer.from(text, 'latin1'))).toBe(text)
  })

  it('passes brotli unchanged', () => {
    const packed = of('br').compress(Buffer.from('snot'))
    expect(detect(packed)).toBe(packed.toString('latin1'))
  })

  it.each(['x^2+y^2', 'sNaPpY', '\u00ff12345'])('fails for %j, which begins like something else', (text) => {
    expect(() => detect(Buffer.from(text, 'latin1'))).toThrow(CodecError)
  })
})
