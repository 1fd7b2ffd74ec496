import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import loops from '../helpers/loops.json'
import { filesBelow, read } from '../helpers/repository'

/** A loop that awaits something each time it goes round, an interval, or what tries again: these may live as long as the process. */
const KINDS: readonly ((node: ts.Node) => boolean)[] = [
  (node) =>
    (ts.isWhileStatement(node) ||
      ts.isDoStatement(node) ||
      (ts.isForStatement(node) && node.incrementor === undefined)) &&
    awaits(node.statement),
  (node) => ts.isCallExpression(node) && /\bsetInterval$/.test(node.expression.getText()),
  (node) => ts.isNewExpression(node) && node.expression.getText() === 'Retry',
]

/** Not those of functions within. */
const awaits = (node: ts.Node): boolean =>
  ts.isAwaitExpression(node) ||
  (ts.forEachChild(node, (child) => (!ts.isFunctionLike(child) && awaits(child)) || undefined) ?? false)

const hasLoop = (node: ts.Node): boolean =>
  KINDS.some((isOne) => isOne(node)) ||
  (ts.forEachChild(node, (child) => hasLoop(child) || undefined) ?? false)

const withLoops = ['src', 'protocols', 'endpoints']
  .flatMap((folder) => filesBelow(folder, /(?<!\.d)\.ts$/))
  .filter((file) => !/(^|\/)test\/|^src\/testing\//.test(file))
  .filter((file) => hasLoop(ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)))

describe('a loop that may live as long as the process', () => {
  it('is listed with why it cannot hang unseen, and nothing else is', () => {
    const listed = Object.values(loops).flatMap((files) => Object.keys(files))
    expect(listed.sort()).toEqual(withLoops.sort())
  })

  it('beats where the list says so', () => {
    for (const file of Object.keys(loops.beats)) expect(read(file), file).toMatch(/\bbeats?\b/i)
  })
})
