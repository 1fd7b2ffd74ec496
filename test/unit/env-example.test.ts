import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { availableAdapters } from '../../src/service/catalogue'
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
    const text = renderEnvExample(sections.slice(2))
    expect(sections.slice(2).map(({ title }) => title)).toEqual(['Adapter ACME', 'Adapter ZETA'])
    expect(text).toContain(
      '# == Adapter ACME ==\n# A setting of the framework, for this adapter alone: ACME_<NAME>\n',
    )
    expect(text).toContain('# Key from the Acme console (string, required, secret)\n#ACME_API_KEY=\n')
    expect(text).toContain('#ACME_WS_API_ENDPOINT=wss://stream.acme.example/v2\n')
    expect(text).toContain('# Region (one of eu | us, default eu)\n#ZETA_REGION=eu\n')
  })

  it('may be none', async () => {
    const sections = await settingSections(availableAdapters([join(root, 'no-such-folder')]))
    expect(sections.map(({ title }) => title)).toEqual(['Framework', 'Service'])
  })
})
