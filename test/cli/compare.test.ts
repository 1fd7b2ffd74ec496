import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { changesReport } from '../../src/cli/changes-report'
import { changesBetween, type SettingsChanges, type VersionedSurvey } from '../../src/cli/settings-changes'
import { type SettingMeaning, type SettingOrigin } from '../../src/config/setting-origins'
import { type SettingGroup } from '../../src/service/settings-survey'
import { PATIENCE_MS } from '../service/service-process'
import { ROOT, tickwell } from './tickwell'

const folder = mkdtempSync(join(tmpdir(), 'compare-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fileWith = (name: string, text: string) => {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

const setting = (
  name: string,
  of: Partial<SettingOrigin> = {},
  meaning: Partial<SettingMeaning> = {},
): SettingOrigin => ({
  name,
  variable: name,
  source: 'default',
  value: of.default,
  default: undefined,
  isDifferent: false,
  ...of,
  meaning: { type: 'number', description: 'd', required: false, sensitive: false, ...meaning },
})
const set = { source: 'environment', isDifferent: true } as const
const version = (version: string, groups: Record<string, SettingOrigin[]>): VersionedSurvey => ({
  version,
  problems: [],
  warnings: [],
  unused: [],
  groups: Object.entries(groups).map(([name, settings]): SettingGroup => ({ name, settings })),
})
const none = { lost: [], unset: [], added: [], gone: [], changed: [], groups: { added: [], gone: [] } }
const changes = (
  before: Record<string, SettingOrigin[]>,
  now: Record<string, SettingOrigin[]>,
  isSetNow: (variable: string) => boolean = () => true,
): Partial<SettingsChanges> => {
  const found = changesBetween(version('1.0.0', before), version('2.0.0', now), isSetNow)
  expect([found.from, found.to]).toEqual(['1.0.0', '2.0.0'])
  const told = Object.entries(found).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify((none as Record<string, unknown>)[name]),
  )
  return Object.fromEntries(told.filter(([name]) => name !== 'from' && name !== 'to'))
}

describe('settings of two versions', () => {
  it('that are the same have no changes, in whatever order they are', () => {
    const [a, b] = [setting('A', { default: 1 }), setting('B', { ...set, value: 2 })]
    expect(changes({ framework: [a, b], x: [a] }, { x: [a], framework: [b, a] })).toEqual({})
  })

  it('tell which are new and which are gone, those of all adapters once', () => {
    const [a, b, c, d] = [setting('A'), setting('B', { default: 5 }), setting('C'), setting('D')]
    expect(
      changes({ framework: [a, c], x: [a, c], y: [c] }, { framework: [c, b], x: [c, b, d], y: [c, b] }),
    ).toEqual({
      added: [
        { group: 'framework', name: 'B', default: 5 },
        { group: 'x', name: 'D', default: undefined },
      ],
      gone: [{ group: 'framework', name: 'A' }],
    })
  })

  it('tell what has another default, range, type or meaning, and another value by that', () => {
    const before = setting('A', { default: 1 }, { rule: 'at most 5' })
    const now = setting('A', { default: 2 }, { rule: 'at most 9', type: 'string', description: 'ms' })
    expect(changes({ x: [before, setting('B')] }, { x: [now, setting('B')] })).toEqual({
      changed: [
        {
          group: 'x',
          name: 'A',
          differences: [
            { of: 'value', before: 1, now: 2 },
            { of: 'default', before: 1, now: 2 },
            { of: 'type', before: 'number', now: 'string' },
            { of: 'rule', before: 'at most 5', now: 'at most 9' },
            { of: 'description', before: 'd', now: 'ms' },
          ],
        },
      ],
    })
  })

  it('tell which variables were read and are no longer: the setting is gone, or is read from another one', () => {
    const gone = setting('A', { ...set, variable: 'X_A', value: 1 })
    const bare = setting('B', { ...set, variable: 'B', value: 1 })
    const before = { x: [gone, bare], y: [bare], z: [setting('C', { ...set, variable: 'Z_C', value: 1 })] }
    const now = {
      x: [setting('B', { variable: 'X_B', value: 1 })],
      y: [setting('B', { variable: 'Y_B', value: 1 })],
    }
    expect(changes(before, now)).toEqual({
      lost: [
        { variable: 'X_A', settings: ['x A'] },
        { variable: 'B', settings: ['x B', 'y B'] },
        { variable: 'Z_C', settings: ['z C'] },
      ],
      gone: [{ group: 'x', name: 'A' }],
      groups: { added: [], gone: ['z'] },
    })
    expect(changes({ x: [bare], y: [bare] }, { x: [bare], y: [setting('B', { value: 1 })] })).toEqual({})
  })

  it('tell which variables were set then and are not now, because nothing is known of them', () => {
    const before = { x: [setting('A', { ...set, value: 1 }), setting('B')] }
    const now = { x: [setting('A', { value: 1 }), setting('B')] }
    expect(changes(before, now, () => false)).toEqual({ unset: ['A'] })
  })

  it('SC-1: tell no value of what is a secret in one of them', () => {
    const open = setting('KEY', { ...set, value: 'plain-1', default: 'plain-2' })
    const hidden = setting('KEY', { ...set, value: '[KEY REDACTED]' }, { sensitive: true })
    for (const [before, now] of [
      [open, hidden],
      [hidden, open],
    ] as const) {
      const found = changes({ x: [before] }, { x: [now] })
      expect(found.changed?.[0]?.differences.map(({ of }) => of)).toEqual(['sensitive'])
      expect(JSON.stringify(found)).not.toContain('plain')
    }
  })
})

describe('the report on two versions', () => {
  const report = (
    before: Record<string, SettingOrigin[]>,
    now: Record<string, SettingOrigin[]>,
    problems: string[] = [],
  ) =>
    changesReport(
      changesBetween(version('1.0.0', before), version('2.0.0', now), (name) => name !== 'U'),
      { problems, warnings: [] },
    )

  it('says so where nothing is otherwise', () => {
    expect(report({ x: [] }, { x: [] })).toBe(
      'Settings of version 2.0.0, compared with version 1.0.0\n\nNothing is otherwise.\n\nThe settings are good.',
    )
  })

  it('has what needs somebody first, and what is wrong last', () => {
    const lost = Array.from({ length: 22 }, (_, n) => setting(`A${n}`, { ...set, variable: 'A' }))
    const before = [...lost, setting('U', set), setting('C', { default: 1 }), setting('D', {}, { rule: 'a' })]
    const now = [
      setting('C', { default: 2 }),
      setting('D', {}, { rule: 'b\u001b' }),
      setting('N', { default: true }),
    ]
    expect(report({ x: before, y: [] }, { x: now, z: [] }, ['E: e']).split('\n').slice(2)).toEqual([
      '1 variable that is set has no effect any more:',
      `  A, which was for ${lost
        .slice(0, 20)
        .map(({ name }) => `x ${name}`)
        .join(', ')} and 2 more`,
      '',
      '1 variable was set then and is not now:',
      '  U',
      '',
      '1 setting has another value:',
      '  x C: value 2, was 1; default 2, was 1',
      '',
      '1 setting is another:',
      '  x D: rule b , was a',
      '',
      '23 settings are gone:',
      ...[...lost, { name: 'U' }].map(({ name }) => `  x ${name}`),
      '',
      '1 setting is new:',
      '  x N: default true',
      '',
      '1 adapter is not there any more:',
      '  y',
      '',
      '1 adapter is new:',
      '  z',
      '',
      '1 problem:',
      '  E: e',
      '',
      'The settings are not good.',
    ])
  })
})

describe('comparing two versions of an adapter', { timeout: PATIENCE_MS }, () => {
  const KEY = 'key-0123456789abcdef'
  const made = (name: string, settings: string) =>
    fileWith(
      name,
      `
      const framework = ${JSON.stringify(join(ROOT, 'src/public'))}
      const { Adapter, AdapterEndpoint } = require(framework + '/adapter')
      const { AdapterConfig } = require(framework + '/config')
      const { HttpTransport } = require(framework + '/transports')
      const config = new AdapterConfig(${settings}, { envVarsPrefix: 'ACME' })
      const transport = new HttpTransport({ prepareRequests: () => [], parseResponse: () => [] })
      exports.adapter = new Adapter({ name: 'ACME', endpoints: [new AdapterEndpoint({ name: 'price', transport })], config })
      `,
    )
  const first = made(
    'first/acme.cjs',
    `{
      API_KEY: { description: 'd', type: 'string', required: true },
      PAGE: { description: 'd', type: 'number', default: 50 },
      REGION: { description: 'd', type: 'enum', options: ['eu', 'us'], default: 'eu' },
    }`,
  )
  const second = made(
    'second/acme.cjs',
    `{
      API_KEY: { description: 'd', type: 'string', required: true },
      PAGE: { description: 'd', type: 'number', default: 100 },
      ZONE: { description: 'd', type: 'string', sensitive: false, default: 'eu-1' },
    }`,
  )
  const env = { ACME_API_KEY: KEY }
  const snapshot = async (more: Record<string, string> = {}) => {
    const { code, out } = await tickwell(['check', '--json', first], { ...env, ...more })
    expect(code).toBe(0)
    return fileWith('before.json', out)
  }

  it('names what is otherwise, and ends with 0 where nothing that is set is lost', async () => {
    const before = await snapshot()
    const { code, out } = await tickwell(['check', '--compare', before, second], env)
    expect(out).toContain('1 setting has another value:\n  ')
    expect(out).toMatch(/acme\.cjs PAGE: value 100, was 50; default 100, was 50$/m)
    expect(out).toMatch(/1 setting is gone:\n.*acme\.cjs REGION$/m)
    expect(out).toMatch(/1 setting is new:\n.*acme\.cjs ZONE: default eu-1$/m)
    expect([code, out.includes(KEY)]).toEqual([0, false])
  })

  it('ends with 1 where a variable has no effect any more, and prints the same for programs', async () => {
    const more = { ACME_REGION: 'us' }
    const before = await snapshot(more)
    const { code, out } = await tickwell(['check', '--json', '--compare', before, second], {
      ...env,
      ...more,
    })
    const { ok, changes, problems, warnings } = JSON.parse(out) as Record<string, unknown>
    expect([code, ok, problems]).toEqual([1, false, []])
    expect(changes).toMatchObject({ lost: [{ variable: 'ACME_REGION' }], groups: none.groups })
    expect(warnings).toEqual([expect.stringMatching(/^ACME_REGION looks like a setting/)])
    expect(out).not.toContain(KEY)
  })

  it('is nothing where both are the same', async () => {
    const before = await snapshot()
    const { code, out } = await tickwell(['check', '--compare', before, first], env)
    expect([code, out.includes('Nothing is otherwise.')]).toEqual([0, true])
  })

  it('ends with 2 where the file is none, and shows nothing of it', async () => {
    const other = fileWith('.env', `ACME_API_KEY=${KEY}`)
    for (const [file, what] of [
      [other, 'it is not what tickwell check --json prints'],
      [
        fileWith('else.json', '{"version":"1.0.0","groups":[{}]}'),
        'it is not what tickwell check --json prints',
      ],
      [join(folder, 'nowhere.json'), 'no such file'],
    ] as const) {
      const { code, out, err } = await tickwell(['check', '--compare', file, second])
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(what)
      expect(err).not.toContain(KEY.slice(0, 8))
    }
  })
})
