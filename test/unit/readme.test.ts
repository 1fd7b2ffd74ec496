import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { availableAdapters } from '../../src/service/catalogue'
import { BaseSettingsDefinition } from '../../src/config/base-settings'
import { ServiceSettingsDefinition } from '../../src/config/service-settings'

const root = join(__dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
}

const codeBlock = (language: string): string => {
  const code = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(readme)?.[1]
  if (code === undefined) throw new Error(`The README has no ${language} block`)
  return code
}

/** What the compiler says of a file that imports the package by its name, with the sources in the package's place. */
const problemsOf = (code: string): string[] => {
  const file = join(root, 'readme-example.ts')
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    esModuleInterop: true,
    types: ['node'],
    paths: { tickwell: ['./src/public/index.ts'], 'tickwell/*': ['./src/public/*'] },
  }
  const host = ts.createCompilerHost(options)
  const disk = ts.createCompilerHost(options)
  host.fileExists = (name) => name === file || disk.fileExists(name)
  host.readFile = (name) => (name === file ? code : disk.readFile(name))
  host.getSourceFile = (name, target, onError) =>
    name === file ? ts.createSourceFile(name, code, target) : disk.getSourceFile(name, target, onError)
  host.getCurrentDirectory = () => root
  const program = ts.createProgram([file], options, host)
  return ts
    .getPreEmitDiagnostics(program)
    .filter((problem) => problem.file?.fileName === file || problem.file === undefined)
    .map((problem) => ts.flattenDiagnosticMessageText(problem.messageText, '\n'))
}

describe('README', () => {
  it('shows an adapter that compiles', { timeout: 240_000 }, () => {
    expect(problemsOf(codeBlock('ts'))).toEqual([])
    expect(problemsOf("import { nothing } from 'tickwell/adapter'\nnothing()")).not.toEqual([])
  })

  it('names only commands that there are', () => {
    const named = [...readme.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name!)
    expect(named.length).toBeGreaterThan(3)
    for (const name of [...named, 'start', 'test']) expect(Object.keys(scripts)).toContain(name)
  })

  it('lists the adapters that there are', () => {
    const listed = [...readme.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)
    expect(listed.sort()).toEqual([...availableAdapters().keys()])
  })

  it('names only settings that there are', () => {
    const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY']
    const ours = [...Object.keys(BaseSettingsDefinition), ...Object.keys(ServiceSettingsDefinition)]
    const known = new Set([...ours, ...proxies])
    const prose = readme.replace(codeBlock('ts'), '')
    const named = [...prose.matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)].map(([name]) =>
      name.replace(/^COINBASE_/, ''),
    )
    expect(named.length).toBeGreaterThan(2)
    for (const name of named) expect([...known]).toContain(name)
  })
})
