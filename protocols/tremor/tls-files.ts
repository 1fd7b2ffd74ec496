import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type WsServerConfig } from './options'
import { Problems } from './problems'
import { type ClientTls, type KeyPair } from './tls-definition'

/** PEM text. */
export interface LoadedKeyPair {
  cert: string
  key: string
}

/** PEM text, and the name that the certificate must have. The name is undefined where it is an address: that is compared with the dialled one. */
export interface LoadedClientTls extends Partial<LoadedKeyPair> {
  ca?: string
  servername?: string
}

/** Reads the files of a client. @throws ConfigError for what cannot be read or used */
export const loadClientTls = ({ caFile, domain, keyPair }: ClientTls): LoadedClientTls => {
  const problems = new Problems('ws_client')
  const ca = caFile === undefined ? undefined : readAuthority(caFile, problems)
  const loaded = keyPair && readKeyPair(keyPair, problems)
  problems.throwIfAny()
  return {
    ...loaded,
    ...(ca === undefined ? {} : { ca }),
    // An address must not be asked for by SNI (RFC 6066).
    ...(isIP(domain) ? {} : { servername: domain }),
  }
}

/** Certificates of the authorities that sign those of clients. @throws ConfigError for what cannot be read or used */
export const loadClientAuthorities = (path: string, variables?: WsServerConfig['variables']): string => {
  const problems = new Problems('ws_server', variables && placesOf(variables))
  const blocks = readBlocks('clientCa', path, problems) ?? []
  if (blocks.length === 0 || !blocks.every(isCertificate))
    problems.add('clientCa', 'the file must hold certificates and nothing else')
  problems.throwIfAny()
  return blocks.map(({ text }) => text).join('\n')
}

/** Reads the files of a server. @throws ConfigError for what cannot be read or used */
export const loadServerTls = (files: KeyPair, variables?: WsServerConfig['variables']): LoadedKeyPair => {
  const problems = new Problems('ws_server', variables && placesOf(variables))
  const loaded = readKeyPair(files, problems)
  problems.throwIfAny()
  return loaded
}

const placesOf = ({ cert, key, clientCa }: NonNullable<WsServerConfig['variables']>) => ({
  'config.tls.cert': cert,
  'config.tls.key': key,
  clientCa,
})

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

interface Block {
  label: string
  text: string
}

const readBlocks = (where: string, path: string, problems: Problems): Block[] | undefined => {
  try {
    return [...readFileSync(path, 'utf8').matchAll(BLOCK)].map(([text, label = '']) => ({ label, text }))
  } catch (error) {
    const { code = 'unreadable' } = error as { code?: string }
    problems.add(where, `the file cannot be read (${code})`)
    return undefined
  }
}

const isCertificate = ({ label, text }: Block): boolean =>
  label === 'CERTIFICATE' && succeeds(() => new X509Certificate(text))

const succeeds = (act: () => unknown): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

/** tremor 4: of a CA file only the first item counts. */
const readAuthority = (path: string, problems: Problems): string | undefined => {
  const where = 'config.tls.cafile'
  const blocks = readBlocks(where, path, problems)
  const first = blocks?.[0]
  if (first !== undefined && isCertificate(first)) return first.text
  if (blocks !== undefined) problems.add(where, 'the first item of the file must be a certificate')
  return undefined
}

const readKeyPair = ({ cert, key }: KeyPair, problems: Problems): LoadedKeyPair => {
  const chain = readBlocks('config.tls.cert', cert, problems)
  const certificates = chain?.filter(({ label }) => label === 'CERTIFICATE')
  if (certificates?.length === 0 || certificates?.every(isCertificate) === false)
    problems.add('config.tls.cert', 'the file must hold a chain of certificates')
  const keys = readBlocks('config.tls.key', key, problems)
  const chosen = keys && chooseKey(keys)
  if (keys !== undefined && chosen === undefined)
    problems.add('config.tls.key', 'the file must hold a private key (PKCS#8, or PKCS#1 RSA)')
  const own = certificates?.[0]
  if (own !== undefined && isCertificate(own) && chosen !== undefined && !belongsTo(own.text, chosen))
    problems.add('config.tls.key', 'the key does not belong to the certificate')
  return { cert: (certificates ?? []).map(({ text }) => text).join('\n'), key: chosen ?? '' }
}

const belongsTo = (cert: string, key: string): boolean =>
  new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))

/** tremor 6: PKCS#8 is preferred, then PKCS#1; of several keys the last. */
const chooseKey = (blocks: Block[]): string | undefined => {
  for (const wanted of ['PRIVATE KEY', 'RSA PRIVATE KEY']) {
    const key = blocks.filter(({ label }) => label === wanted).at(-1)
    if (key !== undefined) return succeeds(() => createPrivateKey(key.text)) ? key.text : undefined
  }
  return undefined
}
