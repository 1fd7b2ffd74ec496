import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MATTER_MOST } from '../../src/config/reference'
import { availableAdapters, loadAdapter } from '../../src/service/catalogue'
import { renderEnvExample, settingSections } from '../../scripts/env-example'
import { read, root } from '../helpers/repository'

const row = {
  name: 'A',
  type: 'string',
  default: undefined,
  required: false,
  sensitive: false,
  description: 'What it does',
  options: undefined,
  min: undefined,
  max: undefined,
}

const rendered = (change: Partial<Parameters<typeof renderEnvExample>[0][number]['rows'][number]>) =>
  renderEnvExample([{ title: 'T', rows: [{ ...row, ...change }] }])
    .split('\n\n')
    .at(-1)
    ?.trimEnd()

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('.env.example', () => {
  it('is what the definitions say (else: npm run env-example)', async () => {
    expect(read('.env.example')).toBe(renderEnvExample(await settingSections()))
  })

  it('changes nothing as shipped', () => {
    const lines = read('.env.example').split('\n')
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
  })

  it('has every setting once', async () => {
    const names = (await settingSections()).flatMap(({ rows }) => rows.map(({ name }) => name))
    expect(names).toContain('EA_PORT')
    expect(names).toContain('DEFAULT_ADAPTER')
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('a default in it', () => {
  /** As a reader of such files gets it, with every # removed that stands before a name. */
  const values = parseEnv(read('.env.example').replaceAll(/^#(?=[A-Z0-9_]+=)/gm, ''))

  it('is the one that applies: removing every # changes no setting of any adapter', async () => {
    for (const name of availableAdapters().keys()) {
      const { config } = await loadAdapter(name)
      for (const variable of Object.keys(values)) vi.stubEnv(variable, undefined)
      config.initialize()
      const { settings: before } = config
      for (const [variable, value] of Object.entries(values)) vi.stubEnv(variable, value)
      config.initialize()
      expect(config.settings, name).toEqual(before)
    }
  })

  it('is told where it is that of an adapter alone', () => {
    const text = read('.env.example')
    expect(text).toMatch(
      /default 120000, 35000 for BITFINEX, 30000 for COINBASE, 10000 for KRAKEN\)\n#WS_SUBSCRIPTION_UNRESPONSIVE_TTL=\n/,
    )
    expect(values).toMatchObject({
      KRAKEN_WS_SUBSCRIPTION_UNRESPONSIVE_TTL: '10000',
      STRAPI_CACHE_MAX_AGE: '900000',
    })
  })
})

describe('what matters most', () => {
  it('comes first: twenty settings, each of which there is', async () => {
    const [first, ...others] = await settingSections()
    expect(first!.rows.map(({ name }) => name)).toEqual(MATTER_MOST)
    expect(first!.rows).toHaveLength(20)
    const names = others.flatMap(({ rows }) => rows.map(({ name }) => name))
    expect(names.filter((name) => MATTER_MOST.includes(name))).toEqual([])
  })
})

describe('a line of it', () => {
  it('tells description, type, range and default', () => {
    const number = { name: 'PORT', type: 'number', default: 80, min: 1, max: 65535 }
    expect(rendered(number)).toBe('# What it does (number, 1 to 65535, default 80)\n#PORT=80')
    expect(rendered({ type: 'number', min: 0 })).toBe('# What it does (number, at least 0)\n#A=')
    expect(rendered({ type: 'number', max: 9 })).toBe('# What it does (number, at most 9)\n#A=')
    expect(rendered({ type: 'enum', options: ['a', 'b'], default: 'b' })).toBe(
      '# What it does (one of a | b, default b)\n#A=b',
    )
  })

  it('keeps the default of a secret to itself', () => {
    expect(rendered({ sensitive: true, default: 'hush' })).toBe('# What it does (string, secret)\n#A=')
    expect(rendered({ sensitive: true, required: true })).toBe(
      '# What it does (string, required, secret)\n#A=',
    )
  })

  it('quotes a value that readers of such files would cut', () => {
    expect(rendered({ default: 'a #b' })).toContain(`#A='a #b'`)
  })

  it('is one line, however the description is broken', () => {
    expect(rendered({ description: 'One.\n  Two.' })).toBe('# One. Two (string)\n#A=')
  })
})

describe('the settings of adapters', () => {
  it('are found in files and folders, under their prefix, and nothing else is', async () => {
    const sections = await settingSections(availableAdapters([join(root, 'test/fixtures/endpoints')]))
    const text = renderEnvExample(sections.slice(3))
    expect(sections.slice(3).map(({ title }) => title)).toEqual(['Adapter ACME', 'Adapter ZETA'])
    expect(text).toContain(
      '# == Adapter ACME ==\n# A setting of the framework, for this adapter alone: ACME_<NAME>\n',
    )
    expect(text).toContain('# Key from the Acme console (string, required, secret)\n#ACME_API_KEY=\n')
    expect(text).toContain('#ACME_WS_API_ENDPOINT=wss://stream.acme.example/v2\n')
    expect(text).toContain('# Region (one of eu | us, default eu)\n#ZETA_REGION=eu\n')
  })

  it('may be none', async () => {
    const sections = await settingSections(availableAdapters([join(root, 'no-such-folder')]))
    expect(sections.map(({ title }) => title)).toEqual(['What matters most', 'Service', 'Framework'])
  })
})
