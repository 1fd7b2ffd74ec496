import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { base58 } from '@scure/base'
import { describe, expect, it } from 'vitest'
import {
  isValidBitcoinAddress,
  isValidEthereumAddress,
  isValidEthereumWithdrawalCredentials,
  isValidSolanaAddress,
} from '../../src/public/validation/address'
import presetTokens from '../../src/public/validation/preset-tokens.json'
import { root } from '../helpers/repository'
import outcomes from '../fixtures/validation/addresses.json'

/** What the reference framework says about each text. */
const checks = [
  { kind: 'ethereum', isValid: isValidEthereumAddress },
  { kind: 'withdrawalCredentials', isValid: isValidEthereumWithdrawalCredentials },
  { kind: 'bitcoin', isValid: isValidBitcoinAddress },
  { kind: 'solana', isValid: isValidSolanaAddress },
] as const

const hex = (min: number, max = min) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: min, maxLength: max })
    .map((digits) => digits.join(''))

describe.each(checks)('whether a text is an address, for $kind', ({ kind, isValid }) => {
  it('is what the reference framework says', () => {
    const { valid, invalid } = outcomes[kind]
    expect(valid.filter((text) => !isValid(text))).toEqual([])
    expect(invalid.filter((text) => isValid(text))).toEqual([])
    expect(Math.min(valid.length, invalid.length)).toBeGreaterThan(20)
  })

  it.each([undefined, null, '', 0, 1, true, {}, [], ['1'], () => '1'])('is false for %s', (value) => {
    expect(isValid(value as string)).toBe(false)
  })

  it('is false for what surrounds an address with anything', () => {
    for (const text of outcomes[kind].valid)
      for (const around of [' ', '\n', '\0', '.'])
        expect([isValid(`${around}${text}`), isValid(`${text}${around}`)]).toEqual([false, false])
  })

  it('is told of any text, however long, without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof isValid(text) === 'boolean'))
    for (const start of ['1', 'bc1q', '0x01', 'XE00', 'z']) isValid(start.padEnd(1_000_000, start.slice(-1)))
  })
})

describe('an Ethereum address', () => {
  it('is valid in small and in capital letters, with and without 0x', () => {
    fc.assert(
      fc.property(hex(40), (digits) => {
        const spellings = [digits, digits.toUpperCase()].flatMap((text) => [text, `0x${text}`])
        return spellings.every((text) => isValidEthereumAddress(text))
      }),
    )
  })

  it('is valid in one mixed spelling only', () => {
    const mixed = outcomes.ethereum.valid.filter((text) => /[a-f]/.test(text) && /[A-F]/.test(text))
    let changed = 0
    for (const address of mixed.filter((text) => !text.startsWith('XE'))) {
      const at = address.search(/[A-F]/)
      const other = address.slice(0, at) + address[at]!.toLowerCase() + address.slice(at + 1)
      if (!/[A-F]/.test(other)) continue
      changed++
      expect([other, isValidEthereumAddress(other)]).toEqual([other, false])
    }
    expect(changed).toBeGreaterThan(10)
  })

  it('narrows the type of what was checked', () => {
    const text: string | undefined = outcomes.ethereum.valid[0]
    expect(isValidEthereumAddress(text) && text.length).toBe(text?.length)
  })
})

describe('withdrawal credentials', () => {
  it('pay to an address, whatever is before it', () => {
    fc.assert(
      fc.property(hex(40), hex(22), fc.constantFrom('0x01', '0x02'), (address, between, type) =>
        isValidEthereumWithdrawalCredentials(`${type}${between}${address}`),
      ),
    )
  })

  it.each(['0x00', '0x03', '0x11', '0X01', '1x01'])('are not of type %s', (type) => {
    expect(isValidEthereumWithdrawalCredentials(type.padEnd(66, '0'))).toBe(false)
  })

  it.each([65, 67])('are not %i characters long', (length) => {
    expect(isValidEthereumWithdrawalCredentials('0x01'.padEnd(length, '0'))).toBe(false)
  })
})

describe('a Solana address', () => {
  it('is 32 bytes in base58', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 28, maxLength: 36 }), (bytes) => {
        expect(isValidSolanaAddress(base58.encode(bytes))).toBe(bytes.length === 32)
      }),
    )
  })
})

describe('the preset tokens', () => {
  it('are 19 valid addresses', () => {
    const addresses = Object.values(presetTokens.ethereum)
    expect(addresses).toHaveLength(19)
    expect(addresses.filter((address) => !isValidEthereumAddress(address))).toEqual([])
    expect(presetTokens.ethereum).toMatchObject({
      LINK: '0x514910771af9ca656af840dff83e8264ecf986ca',
      USDC: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48',
    })
  })
})

it('the libraries load with the first address that needs them, not before', () => {
  const loaded = execFileSync(
    process.execPath,
    [
      '--require',
      'tsx/cjs',
      '-e',
      `
      const { isValidBitcoinAddress, isValidSolanaAddress } = require('./src/public/validation/address')
      const has = () => Object.keys(require.cache).some((path) => /@(noble|scure)/.test(path))
      isValidBitcoinAddress('1')
      const before = has()
      isValidSolanaAddress('1'.repeat(32))
      console.log(before, has())
      `,
    ],
    { cwd: root, encoding: 'utf8' },
  )
  expect(loaded.trim()).toBe('false true')
})
