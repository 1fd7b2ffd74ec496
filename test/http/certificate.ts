import { generateKeyPairSync, sign } from 'node:crypto'

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const extension = (id: string, value: Uint8Array) => sequence(oid(id), der(0x04, value))
const time = (text: string) => der(0x17, Buffer.from(text))

const pem = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

/** Until the year 2049. */
const VALID = ['200101000000Z', '491231235959Z'] as const

/** A key and a certificate for 127.0.0.1 that it signed itself, both as PEM. */
export const selfSigned = (
  passphrase?: string,
  [from, to]: readonly [string, string] = VALID,
  kind: 'ec' | 'rsa' = 'ec',
): { key: string; cert: string } => {
  const { privateKey, publicKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const withSha256 =
    kind === 'ec'
      ? sequence(oid('2a8648ce3d040302'))
      : sequence(oid('2a864886f70d01010b'), Buffer.from([0x05, 0x00]))
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('localhost')))))
  const certificateAuthority = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))))
  const alternativeName = extension('551d11', sequence(der(0x87, Buffer.from([127, 0, 0, 1]))))
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    withSha256,
    name,
    sequence(time(from), time(to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(certificateAuthority, alternativeName)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, privateKey))
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(),
    cert: pem('CERTIFICATE', sequence(toBeSigned, withSha256, signature)),
  }
}
