import type { keccak_256 } from '@noble/hashes/sha3'
import type { base58 } from '@scure/base'

/* eslint-disable @typescript-eslint/no-require-imports -- most adapters check no address: these load with the first one */
const keccak256 = (text: string): Uint8Array =>
  (require('@noble/hashes/sha3') as { keccak_256: typeof keccak_256 }).keccak_256(text)
const decodeBase58 = (text: string): Uint8Array =>
  (require('@scure/base') as { base58: typeof base58 }).base58.decode(text)
/* eslint-enable @typescript-eslint/no-require-imports */

type Given = string | null | undefined

const HEX_ADDRESS = /^(?:0x)?([0-9a-f]{40})$/i
const ICAP_ADDRESS = /^XE([0-9]{2})([0-9A-Za-z]{30,31})$/

/**
 * Whether a text is an Ethereum address (contract 4.5): 40 hex digits with or without `0x`, whose letters are all in lower case, all in
 * upper case or have the cases of the EIP-55 checksum; or ICAP (`XE…`) with the right check digits.
 */
export const isValidEthereumAddress = (address?: Given): address is string => {
  if (typeof address !== 'string' || address.startsWith('0X')) return false
  const digits = HEX_ADDRESS.exec(address)?.[1]
  if (digits !== undefined) return hasOneCase(digits) || digits === withChecksum(digits)
  const [, check, account] = ICAP_ADDRESS.exec(address) ?? []
  return account !== undefined && Number(check) === icapCheckDigits(account)
}

/** Whether a text is the withdrawal credentials of a validator that pays to an Ethereum address: types 0x01 and 0x02. */
export const isValidEthereumWithdrawalCredentials = (address?: Given): boolean =>
  typeof address === 'string' &&
  address.length === 66 &&
  /^0x0[12]/.test(address) &&
  isValidEthereumAddress(address.slice(-40))

/** Whether a text has the form of a Bitcoin address of the main network. No checksum is verified. */
export const isValidBitcoinAddress = (address?: Given): boolean =>
  typeof address === 'string' && (BASE58_BITCOIN.test(address) || BECH32_BITCOIN.test(address))

const BASE58_BITCOIN = /^[13][1-9A-HJ-NP-Za-km-z]*$/
// contract 4.5: the prefix only in lower case, the rest in any case
const BECH32_BITCOIN = /^bc1[02-9ac-hj-np-zAC-HJ-NP-Z]+$/

/** Whether a text is a Solana address: 32 bytes in base58. */
export const isValidSolanaAddress = (address?: Given): boolean => {
  // 32 bytes are 32 digits (all bytes zero) to 44. Longer text is not decoded, because the time for that is quadratic.
  if (typeof address !== 'string' || address.length < 32 || address.length > 44) return false
  try {
    return decodeBase58(address).length === 32
  } catch {
    return false
  }
}

const hasOneCase = (digits: string): boolean =>
  digits === digits.toLowerCase() || digits === digits.toUpperCase()

/** EIP-55: a letter is in upper case where the hash of the digits in lower case has a digit of 8 or more. */
const withChecksum = (digits: string): string => {
  const small = digits.toLowerCase()
  const hash = keccak256(small)
  return [...small]
    .map((digit, at) => {
      const byte = hash[at >> 1]!
      const nibble = at % 2 === 0 ? byte >> 4 : byte & 0xf
      return nibble >= 8 ? digit.toUpperCase() : digit
    })
    .join('')
}

/** ISO 7064 MOD 97-10 as in IBANs: A is 10, B is 11 and so on, and the country code with `00` is put at the end. */
const icapCheckDigits = (account: string): number => {
  let remainder = 0
  for (const character of `${account}XE00`) {
    for (const digit of String(parseInt(character, 36))) remainder = (remainder * 10 + Number(digit)) % 97
  }
  return 98 - remainder
}
