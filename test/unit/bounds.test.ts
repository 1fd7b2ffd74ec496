import { describe, expect, it } from 'vitest'
import growing from '../helpers/growing.json'
import { filesBelow, read } from '../helpers/repository'

/**
 * By what a member is bounded that has no row on the page.
 *
 * - `declared`: by what an adapter declares, or an operator sets, at the start
 * - `wanted`: one for each wanted feed, of which there is a row
 * - `asked`: one for each request that waits or is in flight, of which there are rows
 * - `connections`: one for each open connection, of which there are as many as are declared, or may be
 * - `number`: by a number in the same file
 * - `pass`: it ends with the message, answer or pass that it was made for, whose size is bounded
 */
const REASONS = ['declared', 'wanted', 'asked', 'connections', 'number', 'pass']

/** Rows about sizes, and about lists that are bounded where they are made. */
const WITHOUT_MEMBER = [
  'requests of one connection that wait for their answers',
  'requests on their way to all servers of a process, with long bodies counted as they come',
  'the time for a request to come, and for its answers to be taken',
  'their parameters above 1 KiB each, all adapters of a process together',
  'an answer of a provider over HTTP',
  'a WebSocket message, an SSE event',
  'a WebSocket message as it is received and inflated',
  'an SSE event that has not ended',
  'lines of an SSE stream that bring no data',
  'frames that come during the handshake',
  'writes to Redis in flight',
  'requests to the provider in flight',
  'essential feeds that are declared as requests',
  'endpoints, and missing feeds, that `/ready` shows',
]

/** A member of a class that holds a map, a set, a cache or a list from the start on. */
const MEMBER =
  /^ {2}(?:(?:private|protected|public|static|readonly|override) )*([\w[\]]+)(?:: .*?)? = (?:new (?:Map|Set|LRUCache|WeighedMap)\b|\[\])/

const membersOf = (file: string): string[] =>
  read(file)
    .split('\n')
    .flatMap((line) => MEMBER.exec(line)?.[1] ?? [])

const found = Object.fromEntries(
  ['src', 'protocols', 'endpoints']
    .flatMap((folder) => filesBelow(folder, /\.ts$/))
    .filter((file) => !/(^|\/)test\/|^src\/testing\//.test(file))
    .map((file) => [file, membersOf(file)] as const)
    .filter(([, members]) => members.length > 0),
)
const listed: Record<string, Record<string, string>> = growing
const rows = read('docs/bounds.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what | limit'))
  .map((line) => line.split(' | '))
const names = rows.map(([first = '']) => first.slice(2).trim())
const reasons = Object.values(listed).flatMap((members) => Object.values(members))

describe('RS-1: whatever grows', () => {
  it('is listed with its bound, and nothing else is', () => {
    expect(Object.values(found).flat().length).toBeGreaterThan(150)
    const sorted = (of: Record<string, string[]>) =>
      Object.entries(of)
        .map(([file, members]) => `${file}: ${[...members].sort().join(', ')}`)
        .sort()
    const ours = Object.fromEntries(
      Object.entries(listed).map(([file, members]) => [file, Object.keys(members)]),
    )
    expect(sorted(found)).toEqual(sorted(ours))
  })

  it('has a row on the page of bounds, or one of few reasons for none', () => {
    const unknown = reasons.filter(
      (reason) => !REASONS.includes(reason) && !names.includes(reason.replace(/^row: /, '')),
    )
    expect(unknown).toEqual([])
  })

  it('is all that the page is about, and the page says a limit and what is done at it', () => {
    const used = new Set(reasons.map((reason) => reason.replace(/^row: /, '')))
    expect(names.filter((name) => !used.has(name) && !WITHOUT_MEMBER.includes(name))).toEqual([])
    expect(WITHOUT_MEMBER.filter((name) => !names.includes(name))).toEqual([])
    for (const [name, limit = '', policy = ''] of rows)
      expect([limit.trim() !== '', policy.trim() !== ''], name).toEqual([true, true])
  })

  it('has its number in its own file, where that is its bound', () => {
    const numbered = Object.entries(listed).filter(([, members]) => Object.values(members).includes('number'))
    const without = numbered.filter(([file]) => !/\b(MAX|MOST)_|limit|\bmax\w*\b/i.test(read(file)))
    expect(without.map(([file]) => file)).toEqual([])
  })
})
