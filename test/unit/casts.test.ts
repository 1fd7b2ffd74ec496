import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'

const SRC = join(__dirname, '../../src')

/** `as X` per thousand lines that the core may have: what a parser, a package or an author's types leave open. */
const LIMIT = 5

/** A re-export each, and what only tests use. */
const NOT_CORE = new Set(['public', 'testing'])

interface Count {
  lines: number
  casts: number
}

const isCast = (node: ts.Node): boolean =>
  (ts.isAsExpression(node) && !ts.isConstTypeReference(node.type)) || ts.isTypeAssertionExpression(node)

const castsIn = (node: ts.Node): number => {
  let casts = isCast(node) ? 1 : 0
  ts.forEachChild(node, (child) => {
    casts += castsIn(child)
  })
  return casts
}

const countIn = (path: string): Count => {
  const text = readFileSync(path, 'utf8')
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest)
  return { lines: text.split('\n').length - 1, casts: castsIn(source) }
}

const sum = (counts: Count[]): Count => ({
  lines: counts.reduce((lines, one) => lines + one.lines, 0),
  casts: counts.reduce((casts, one) => casts + one.casts, 0),
})

const perThousand = ({ lines, casts }: Count): number => (1_000 * casts) / lines

const rooms = new Map(
  readdirSync(SRC).map((room) => {
    const files = readdirSync(join(SRC, room), { recursive: true, encoding: 'utf8' })
    const sources = files.filter((file) => file.endsWith('.ts'))
    return [room, sum(sources.map((file) => countIn(join(SRC, room, file))))]
  }),
)

it('says what something is by its type, and seldom by a cast', () => {
  const table = [...rooms].map(
    ([room, count]) => `${room.padEnd(14)} ${perThousand(count).toFixed(1).padStart(5)}`,
  )
  process.stdout.write(['Casts per thousand lines', ...table, ''].join('\n'))
  const core = [...rooms].filter(([room]) => !NOT_CORE.has(room))
  expect(perThousand(sum(core.map(([, count]) => count)))).toBeLessThanOrEqual(LIMIT)
})

it('counts casts of both spellings, and neither constants nor other names', () => {
  const source = ts.createSourceFile(
    'sample.ts',
    'import { a as b } from "c"; const d = [1] as const; const e = <E>b; const f = e as unknown as F; g!.h',
    ts.ScriptTarget.Latest,
  )
  expect(castsIn(source)).toBe(3)
})
