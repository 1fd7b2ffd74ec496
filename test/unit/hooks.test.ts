import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { read } from '../helpers/repository'

/** Where the types are of what authors give. */
const CONFIGS = [
  'src/adapter/params.ts',
  'src/connections/credential.ts',
  'src/transports/http/config.ts',
  'src/transports/sse/config.ts',
  'src/transports/websocket/batches/batches.ts',
  'src/transports/websocket/config.ts',
]

/** Tested elsewhere, or none that runs while the service does. */
const ELSEWHERE: Record<string, string> = {
  bootstrap: 'runs at the start, which fails with it',
  heartbeat: 'test/transports/websocket/heartbeat.test.ts',
  ping: 'test/transports/websocket/batches.test.ts',
}

const isFunction = (node: ts.Node): node is ts.PropertySignature | ts.MethodSignature =>
  ts.isMethodSignature(node) ||
  (ts.isPropertySignature(node) && node.type !== undefined && holdsFunction(node.type))

const holdsFunction = (type: ts.TypeNode): boolean => {
  if (ts.isFunctionTypeNode(type)) return true
  if (ts.isParenthesizedTypeNode(type)) return holdsFunction(type.type)
  return ts.isUnionTypeNode(type) && type.types.some(holdsFunction)
}

const hooksIn = (file: string): string[] => {
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    if (isFunction(node)) names.push(node.name.getText())
    else ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true))
  return names
}

describe('a function that an author may give', () => {
  it('is tried with faults of every kind, each of them', () => {
    const tried = read('test/adapter/hooks-that-throw.test.ts')
    const hooks = [...new Set(CONFIGS.flatMap(hooksIn))]
    expect(hooks.length).toBeGreaterThan(25)
    const untried = hooks.filter((name) => !(name in ELSEWHERE) && !new RegExp(`\\b${name}\\b`).test(tried))
    expect(untried).toEqual([])
  })
})
