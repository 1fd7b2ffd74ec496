import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** Networks of IPv4 that are not the public internet (the IANA registry of special-purpose addresses, and multicast). */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

/** Of IPv6 only global unicast is public, and not the parts of it that carry IPv4 addresses or are for documents. */
const PUBLIC_V6: readonly [string, number] = ['2000::', 3]
const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const listOf = (networks: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList()
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family)
  return list
}

const specialV4 = listOf(SPECIAL_V4, 'ipv4')
const publicV6 = listOf([PUBLIC_V6], 'ipv6')
const specialV6 = listOf(SPECIAL_V6, 'ipv6')

/** Whether a numeric address belongs to the public internet. */
export const isPublicAddress = (address: string): boolean => {
  if (isIPv4(address)) return !specialV4.check(address, 'ipv4')
  if (!isIPv6(address)) return false
  return publicV6.check(address, 'ipv6') && !specialV6.check(address, 'ipv6')
}
