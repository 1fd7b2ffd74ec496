import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { settingsList } from '../../src/config/settings-list'
import { CensorList, redactText } from '../../src/util/redaction'

afterEach(() => {
  CensorList.set([])
  vi.unstubAllEnvs()
})

const configOf = (
  definition: ConstructorParameters<typeof AdapterConfig>[0],
  env: Record<string, string>,
) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const config = new AdapterConfig(definition, {
    envDefaultOverrides: { CACHE_REDIS_PASSWORD: 'given-by-code' },
  })
  config.initialize()
  config.buildCensorList()
  return config
}

const PUBLIC_URL = { type: 'string', description: 'd', sensitive: false } as const

describe('SC-1, SC-4: secrets of settings', () => {
  it('are on no page, also where the code gives them', () => {
    const key = { type: 'string', description: 'd', sensitive: true, default: 'from-the-code' } as const
    const config = configOf(
      { KEY: key, URL: PUBLIC_URL },
      { URL: 'wss://reader:s3cr3t@h.example/v2/stream?apiKey=abcd1234&format=json' },
    )
    const shown = settingsList(config)
    const of = (name: string) => shown.find((setting) => setting.name === name)
    expect(of('KEY')).toMatchObject({ value: '[KEY REDACTED]', default: '[KEY REDACTED]' })
    expect(of('CACHE_REDIS_PASSWORD')?.envDefaultOverride).toBe('[CACHE_REDIS_PASSWORD REDACTED]')
    expect(of('URL')?.value).toBe(
      'wss://reader:[URL REDACTED]@h.example/v2/stream?apiKey=[URL REDACTED]&format=json',
    )
    expect(redactText('s3cr3t and abcd1234 for reader at h.example')).toBe(
      '[URL REDACTED] and [URL REDACTED] for reader at h.example',
    )
  })

  it('are numbers, where they have eight digits and stand alone', () => {
    const pin = { type: 'number', description: 'd', sensitive: true } as const
    configOf(
      { PIN: pin, SHORT: pin, OPEN: { ...pin, sensitive: false } },
      { PIN: '84719203', SHORT: '4711', OPEN: '55555555' },
    )
    expect(redactText('pin 84719203, "84719203"')).toBe('pin [PIN REDACTED], "[PIN REDACTED]"')
    for (const text of ['84719203.5', '1.84719203', '184719203', '4711', '55555555'])
      expect(redactText(text)).toBe(text)
  })

  it('are not in what is wrong with a public URL', () => {
    const validate = { meta: {}, fn: (value?: string) => `is not ${value}` }
    const config = configOf({ URL: { ...PUBLIC_URL, validate } }, { URL: 'wss://reader:s3cr3t@h.example' })
    expect(() => config.validate()).toThrow('URL: is not wss://reader:[URL REDACTED]@h.example')
  })
})
