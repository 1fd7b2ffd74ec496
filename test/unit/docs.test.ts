import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { floors } from '../helpers/house'
import { filesBelow, read, root } from '../helpers/repository'

const differences = read('docs/differences.md')
  .split(/^### /m)
  .slice(1)
  .map((section) => ({ title: section.split('\n')[0]!, section }))

describe('the list of differences', () => {
  it.each(differences)('pins "$title" with a test that exists', ({ section }) => {
    const pins = [...section.matchAll(/^Test: `([^`]+)` "([^"]+)"$/gm)]
    expect(pins).not.toEqual([])
    for (const [, file, title] of pins) expect(read(file!)).toContain(title)
  })
})

describe('the documents', () => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    ...filesBelow('docs', /\.md$/),
    ...filesBelow('protocols', /\.md$/),
  ]

  it.each(pages)('%s links to files that exist', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!)
    const folder = join(root, page, '..')
    expect(links.filter((link) => !existsSync(join(folder, link)))).toEqual([])
  })

  it.each(pages)('%s names npm scripts that exist', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...read(page).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })
})

describe('the list of documents', () => {
  it('has every document once, and names none that is not there', () => {
    const listed = [...read('docs/README.md').matchAll(/\]\(([^)]+\.md)\)/g)].map(
      ([, link]) => `docs/${link}`,
    )
    expect(listed.sort()).toEqual(filesBelow('docs', /\.md$/).filter((file) => file !== 'docs/README.md'))
  })
})

describe('the page of the house', () => {
  const page = read('docs/contributing/architecture.md')

  it('has the floors as the imports are checked by', () => {
    const [, table = ''] = /<!-- floors, from the top -->([^]*?)<!-- \/floors -->/.exec(page) ?? []
    const rows = [...table.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)]
    const named = rows.map(([, floor, rooms]) => [Number(floor), rooms!.match(/(?<=`)[a-z-]+(?=`)/g)])
    expect(named).toEqual(floors.map((rooms, index) => [index + 1, [...rooms]]).reverse())
  })

  it('names files and folders that exist', () => {
    const rooms = new Set(floors.flat())
    const named = [...page.matchAll(/`([a-z-]+)\/([a-z-]+(?:\/[a-z-]+)*)`/g)].filter(([, room]) =>
      rooms.has(room!),
    )
    expect(named.length).toBeGreaterThan(20)
    const paths = named.map(([, room, rest]) => `src/${room}/${rest}`)
    expect(
      paths.filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, `${path}.ts`))),
    ).toEqual([])
  })
})
