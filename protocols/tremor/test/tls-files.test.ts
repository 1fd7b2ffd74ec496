import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../src/config/config-error'
import { loadClientAuthorities, loadClientTls, loadServerTls } from '../tls-files'
import { selfSigned } from '../../../test/http/certificate'
import { certificateFiles } from './support'

const rsa = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = (type: 'pkcs1' | 'pkcs8') => privateKey.export({ type, format: 'pem' }).toString().trim()
  return { pkcs1: pem('pkcs1'), pkcs8: pem('pkcs8') }
}

const client = (of: Partial<Parameters<typeof loadClientTls>[0]>) =>
  loadClientTls({ caFile: undefined, domain: 'localhost', keyPair: undefined, ...of })

describe('the files of TLS', () => {
  it('give a server its whole chain, and the last PKCS#8 key before any other', () => {
    using files = certificateFiles()
    const first = rsa()
    const mine = selfSigned(undefined, undefined, 'rsa')
    const own = createPrivateKey(mine.key)
    const exported = (type: 'pkcs1' | 'pkcs8') => own.export({ type, format: 'pem' }).toString().trim()
    const last = { pkcs1: exported('pkcs1'), pkcs8: exported('pkcs8') }
    const chain = files.write('chain.pem', `${mine.cert}\n${mine.cert}`)
    const key = files.write('keys.pem', `${first.pkcs8}\n${last.pkcs8}\n${last.pkcs1}`)
    const loaded = loadServerTls({ cert: chain, key })
    expect(loaded.cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(loaded.key).toBe(last.pkcs8)
    const older = files.write('older.pem', `${first.pkcs1}\n${last.pkcs1}`)
    expect(loadServerTls({ cert: chain, key: older }).key).toBe(last.pkcs1)
  })

  it('give a client the first certificate alone as its authority', () => {
    using files = certificateFiles()
    using others = certificateFiles()
    const caFile = files.write('ca.pem', `${files.text.cert}\n${others.text.cert}`)
    expect(client({ caFile })).toEqual({ ca: files.text.cert.trim(), servername: 'localhost' })
  })

  it('ask for a name by SNI, never for an address', () => {
    expect(client({ domain: '127.0.0.1' })).toEqual({})
    expect(client({ domain: 'prices.example' })).toEqual({ servername: 'prices.example' })
  })

  it('give a listener all authorities of its peers', () => {
    using files = certificateFiles()
    const path = files.write('cas.pem', `${files.text.cert}${files.text.cert}`)
    expect(loadClientAuthorities(path).match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
    expect(() => loadClientAuthorities(files.key)).toThrow(ConfigError)
    expect(() => loadClientAuthorities(files.write('empty.pem', ''))).toThrow(ConfigError)
  })

  it('are refused where they cannot be read or hold something else, without a word of what they hold', () => {
    using files = certificateFiles()
    const { cert, key, write } = files
    const broken = write('broken.pem', files.text.key.replaceAll(/[A-D]/g, 'x'))
    const secret = files.text.key.split('\n')[1] as string
    for (const refused of [
      () => loadServerTls({ cert: key, key }),
      () => loadServerTls({ cert, key: cert }),
      () => loadServerTls({ cert, key: broken }),
      () => loadServerTls({ cert, key: write('other.pem', rsa().pkcs8) }),
      () => loadServerTls({ cert: `${cert}.none`, key }),
      () => loadServerTls({ cert, key: `${key}.none` }),
      () => client({ caFile: key }),
      () => client({ caFile: write('empty.pem', 'nothing') }),
      () => client({ caFile: write('key-first.pem', `${files.text.key}${files.text.cert}`) }),
      () => client({ keyPair: { cert, key: cert } }),
      () => client({ keyPair: { cert, key: write('other.pem', rsa().pkcs8) } }),
    ]) {
      expect(refused).toThrow(ConfigError)
      expect(refused).not.toThrow(secret)
    }
  })
})
