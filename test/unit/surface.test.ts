import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import generics from '../helpers/generics.json'
import { root } from '../helpers/repository'
import surface from '../helpers/surface.json'

/**
 * What adapters may import, by subpath (contract 1.2): the names that exist at run time, and the types. `surface.json` is that description;
 * here the packed package is held against it.
 */
const subpaths = Object.entries<{ values: string[]; types: string[] }>(surface)

/** How many type arguments each generic of the contract needs, and takes (contract 2, 15). */
const arities = Object.entries(generics).map(([name, [needed = 0, taken = 0]]) => ({ name, needed, taken }))

/** Uses of a generic that have to compile, and one with an argument too many (and too few) that must not. */
const usesOf = ({ name, needed, taken }: (typeof arities)[number], index: number): string[] => {
  const [subpath] = subpaths.find(([, { values, types }]) => [...values, ...types].includes(name))!
  const use = (count: number) =>
    count === 0 ? `G${index}` : `G${index}<${new Array(count).fill('any').join(', ')}>`
  return [
    `import type { ${name} as G${index} } from '${specifier(subpath)}'`,
    `export type Full${index} = ${use(taken)}`,
    `export type Short${index} = ${use(needed)}`,
    '// @ts-expect-error -- it takes no more',
    `export type Over${index} = ${use(taken + 1)}`,
    ...(needed > 0
      ? ['// @ts-expect-error -- it needs more', `export type Under${index} = ${use(needed - 1)}`]
      : []),
  ]
}

/** What we export beyond the contract, at the contract's own paths. */
const additions: Record<string, string[]> = {
  adapter: ['pure'],
  cache: ['CacheTypes', 'isAhead'],
  config: ['ConfigError'],
  util: ['decimalText', 'monotonicMs', 'providerTime', 'zonedTimeReader'],
}

const PACKAGE = '@chainlink/external-adapter-framework'
const specifier = (subpath: string) => (subpath === '.' ? PACKAGE : `${PACKAGE}/${subpath}`)

/** A folder of a user who has the package under the original name. */
const user = mkdtempSync(join(tmpdir(), 'tickwell-surface-'))

beforeAll(() => {
  const build = [join(root, 'scripts/build.mjs'), '--no-check', '--out', user]
  execFileSync(process.execPath, build, { stdio: 'pipe' })
  // What the package depends on is found from where the package really lies.
  symlinkSync(join(root, 'node_modules'), join(user, 'node_modules'))
  mkdirSync(join(user, 'project/node_modules/@chainlink'), { recursive: true })
  symlinkSync(join(user, 'package'), join(user, 'project/node_modules', PACKAGE))
}, 240_000)

afterAll(() => rmSync(user, { recursive: true, force: true }))

const run = (code: string, args: string[] = []): string =>
  execFileSync(process.execPath, [...args, '-e', code], {
    cwd: join(user, 'project'),
    encoding: 'utf8',
  }).trim()

const namesOf = (json: string) => JSON.parse(json) as Record<string, string[]>

describe('the surface that adapters import', () => {
  it('has 58 module paths, all of them named by the contract', () => {
    const page = readFileSync(join(root, 'docs/contributing/contract.md'), 'utf8')
    expect(subpaths).toHaveLength(58)
    for (const [subpath] of subpaths.filter(([name]) => name !== '.' && !name.includes('subscription-set')))
      expect(page).toContain(`\`/${subpath}\``)
  })

  it('has exactly the names of the contract, and ours, by require', () => {
    const found = namesOf(
      run(`
        const names = (subpath) => Object.keys(require(subpath)).filter((name) => name !== '__esModule').sort()
        const subpaths = ${JSON.stringify(subpaths.map(([subpath]) => [subpath, specifier(subpath)]))}
        console.log(JSON.stringify(Object.fromEntries(subpaths.map(([key, subpath]) => [key, names(subpath)]))))
      `),
    )
    const wanted = subpaths.map(([subpath, { values }]) => [
      subpath,
      [...values, ...(additions[subpath] ?? [])].sort(),
    ])
    expect(found).toEqual(Object.fromEntries(wanted))
  })

  it('has the names of the contract by import', () => {
    const imports = subpaths
      .filter(([, { values }]) => values.length > 0)
      .map(([subpath, { values }], index) => {
        const renamed = values.map((name) => `${name} as ${name}${index}`)
        return `import { ${renamed.join(', ')} } from '${specifier(subpath)}'`
      })
    expect(run(`${imports.join('\n')}\nconsole.log('all there')`, ['--input-type=module'])).toBe('all there')
  })

  it.each([
    ['node10', ts.ModuleKind.CommonJS, ts.ModuleResolutionKind.Node10],
    ['node16', ts.ModuleKind.Node16, ts.ModuleResolutionKind.Node16],
    ['bundler', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
  ])(
    'has its types, with their type parameters, where modules are resolved as by %s',
    (mode, module, moduleResolution) => {
      const file = join(user, 'project', `${mode}.ts`)
      const lines = subpaths.map(([subpath, { values, types }], index) => {
        const named = [...values, ...types].filter((name) => name !== 'default')
        const first = values.includes('default') ? `export { default as d${index} } from` : 'import'
        const rest = named.map((name) => `${types.includes(name) ? 'type ' : ''}${name} as ${name}_${index}`)
        return `${first} '${specifier(subpath)}'\nexport { ${rest.join(', ')} } from '${specifier(subpath)}'`
      })
      writeFileSync(file, [...lines, ...arities.flatMap(usesOf)].join('\n'))
      const program = ts.createProgram([file], {
        module,
        moduleResolution,
        target: ts.ScriptTarget.ES2022,
        strict: true,
        skipLibCheck: true,
        noEmit: true,
        esModuleInterop: true,
        types: [],
        ignoreDeprecations: '6.0',
      })
      const problems = ts
        .getPreEmitDiagnostics(program)
        .map((one) => ts.flattenDiagnosticMessageText(one.messageText, ' '))
      expect(problems).toEqual([])
    },
    240_000,
  )
})

it('the tokens that adapters look addresses up in are there', () => {
  const tokens = JSON.parse(
    run(`console.log(JSON.stringify(require('${PACKAGE}/validation/preset-tokens.json')))`),
  ) as { ethereum: Record<string, string> }
  expect(Object.keys(tokens)).toEqual(['ethereum'])
  expect(Object.keys(tokens.ethereum)).toHaveLength(19)
  for (const address of Object.values(tokens.ethereum)) expect(address).toMatch(/^0x[0-9a-fA-F]{40}$/)
})
