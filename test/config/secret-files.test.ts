import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../src/config/config-error'
import { getEnv } from '../../src/config/settings'
import { validator } from '../../src/validation/validators'
import { initialized, problemsOf } from './support'

const folder = mkdtempSync(join(tmpdir(), 'secrets-'))
const secret = { description: 'd', type: 'string', sensitive: true } as const

const fileWith = (text: string | Buffer, name = 'secret') => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the file of a secret', () => {
  it.each([
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n\r\n', 'hunter2'],
    ['\uFEFFhunter2', 'hunter2'],
    [' hunter2 ', ' hunter2 '],
    ['-----BEGIN X-----\nAA\n-----END X-----\n', '-----BEGIN X-----\nAA\n-----END X-----'],
  ])('has the value, without line ends at its end: %j', (text, value) => {
    vi.stubEnv('API_KEY_FILE', fileWith(text))
    const config = initialized({ API_KEY: { ...secret, required: true } })
    expect([problemsOf(config), config.settings.API_KEY]).toEqual([[], value])
  })

  it('is what every other setting of a secret may have: those of the framework, and those read by prefix', () => {
    vi.stubEnv('CACHE_REDIS_PASSWORD_FILE', fileWith('for all', 'all'))
    vi.stubEnv('P_TLS_PASSPHRASE_FILE', fileWith('for one', 'one'))
    const { settings } = initialized({}, { envVarsPrefix: 'P', envVarsFallback: true })
    expect([settings.CACHE_REDIS_PASSWORD, settings.TLS_PASSPHRASE]).toEqual(['for all', 'for one'])
  })

  it('goes before the variable without the prefix, and comes after nothing else', () => {
    vi.stubEnv('P_API_KEY_FILE', fileWith('own'))
    vi.stubEnv('API_KEY', 'for all')
    const options = { envVarsPrefix: 'P', envVarsFallback: true }
    const config = initialized({ API_KEY: secret }, options)
    expect([problemsOf(config), config.settings.API_KEY]).toEqual([[], 'own'])
    vi.stubEnv('API_KEY', '')
    vi.stubEnv('P_API_KEY_FILE', '""')
    expect(initialized({ API_KEY: secret }, options).settings.API_KEY).toBeUndefined()
  })

  it('is refused beside the variable itself', () => {
    vi.stubEnv('P_API_KEY_FILE', fileWith('from the file'))
    vi.stubEnv('P_API_KEY', 'from the environment')
    const config = initialized({ API_KEY: secret }, { envVarsPrefix: 'P' })
    expect(problemsOf(config)).toEqual([
      'P_API_KEY_FILE: Value must not be set together with P_API_KEY. Remove one of the two',
    ])
  })

  it('LC-5: is named with all other problems when it cannot be used, and its path never, which may be the secret itself', () => {
    mkdirSync(join(folder, 'folder'), { recursive: true })
    const files = {
      A_FILE: join(folder, 'hunter2'),
      B_FILE: join(folder, 'folder'),
      C_FILE: fileWith('\n', 'empty'),
      D_FILE: fileWith(Buffer.alloc(1_048_577, 'x'), 'large'),
      E_FILE: 'hunter2hunter2',
      RETRY: 'abc',
      CACHE_TYPE: 'disk',
    }
    for (const [name, value] of Object.entries(files)) vi.stubEnv(name, value)
    const definition = {
      A: { ...secret, required: true },
      B: secret,
      C: secret,
      D: secret,
      E: secret,
    } as const
    const attempt = () => initialized(definition)
    expect(attempt).toThrow(
      expect.objectContaining({
        problems: [
          expect.stringMatching(/^CACHE_TYPE: /),
          expect.stringMatching(/^RETRY: /),
          'A_FILE: The file cannot be read (ENOENT)',
          'B_FILE: Value must be the path of a file, and this is something else',
          'C_FILE: The file is empty',
          'D_FILE: The file must have at most 1048576 bytes',
          'E_FILE: The file cannot be read (ENOENT)',
        ],
      }),
    )
    vi.stubEnv('CACHE_TYPE', 'local')
    expect(problemsOf(initialized(definition))).toHaveLength(6)
    expect(problemsOf(initialized(definition)).join()).not.toContain('hunter2')
  })

  it('is validated as any other value, by the variable that was set', () => {
    vi.stubEnv('CACHE_REDIS_URL_FILE', fileWith('no url'))
    vi.stubEnv('PIN_FILE', fileWith('12x4', 'pin'))
    const pin = { description: 'd', type: 'number', sensitive: true } as const
    expect(problemsOf(initialized({ PIN: pin }))).toEqual([
      'CACHE_REDIS_URL_FILE: Value must be a valid URL. Received [CACHE_REDIS_URL_FILE REDACTED]',
      'PIN_FILE: Value must be a number, Received [PIN_FILE REDACTED]',
    ])
  })

  it('SC-1: its text is a secret as the variable would be', () => {
    vi.stubEnv('API_KEY_FILE', fileWith('hunter2hunter2\n'))
    const [entry] = initialized({ API_KEY: secret }).buildCensorList('secret files')
    expect(entry?.key).toBe('API_KEY')
    expect('hunter2hunter2').toMatch(entry!.value)
  })

  it('is not looked at for what is no secret, and not where a setting has that name', () => {
    vi.stubEnv('BASE_URL_FILE', fileWith('/prices'))
    vi.stubEnv('CERT_FILE', fileWith('a certificate', 'cert'))
    const config = initialized({
      CERT: secret,
      CERT_FILE: { description: 'd', type: 'string', sensitive: false, validate: validator.file() },
    })
    expect(config.settings).toMatchObject({ BASE_URL: '/', CERT: undefined, CERT_FILE: join(folder, 'cert') })
    expect(problemsOf(config)).toEqual([])
  })
})

describe('files of a setting with a placeholder', () => {
  const before = { ...secret, variablePlaceholder: 'NETWORK' } as const

  it('are found beside variables, wherever the placeholder is', () => {
    vi.stubEnv('P_BASE_RPC_URL_FILE', fileWith('http://base/key', 'base'))
    vi.stubEnv('P_ETH_RPC_URL', 'http://eth')
    vi.stubEnv('P_KEY_BASE_FILE', fileWith('kb', 'kb'))
    vi.stubEnv('P_KEY_FILE', 'the key of a network named FILE')
    const config = initialized({ NETWORK_RPC_URL: before, KEY_NETWORK: before }, { envVarsPrefix: 'P' })
    const { NETWORK_RPC_URL: url, KEY_NETWORK: key } = config.settings as unknown as Record<
      string,
      { get: (name: string) => string }
    >
    expect([url!.get('base'), url!.get('eth')]).toEqual(['http://base/key', 'http://eth'])
    expect([key!.get('base'), key!.get('file')]).toEqual(['kb', 'the key of a network named FILE'])
    expect([problemsOf(config), config.unknownVariables()]).toEqual([[], []])
  })

  it('are refused where they cannot be used, and beside the variable itself', () => {
    vi.stubEnv('A_RPC_URL_FILE', join(folder, 'nothing'))
    vi.stubEnv('B_RPC_URL_FILE', fileWith('http://b', 'b'))
    vi.stubEnv('B_RPC_URL', 'http://b')
    expect([...problemsOf(initialized({ NETWORK_RPC_URL: before }))].sort()).toEqual([
      'A_RPC_URL_FILE: The file cannot be read (ENOENT)',
      'B_RPC_URL_FILE: Value must not be set together with B_RPC_URL. Remove one of the two',
    ])
  })
})

describe('reading one setting from the environment', () => {
  it('reads its file too, and refuses one that cannot be used', () => {
    vi.stubEnv('API_KEY_FILE', fileWith('k'))
    expect(getEnv('API_KEY', secret)).toBe('k')
    vi.stubEnv('API_KEY_FILE', join(folder, 'nothing'))
    expect(() => getEnv('API_KEY', secret)).toThrow(
      new ConfigError(['API_KEY_FILE: The file cannot be read (ENOENT)']),
    )
  })
})
