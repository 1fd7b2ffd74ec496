/** The laws of `docs/contributing/invariants.md`: what they are called, which tests are named after them, and which changes break them. */
'use strict'
const { readdirSync, readFileSync } = require('node:fs')
const { join, sep } = require('node:path')

const root = join(__dirname, '../..')
const HEADING = /^\*\*(([A-Z]{2})-\d+) · (.*) · ([ASO])\*\*(.*)$/gm

const read = (path) => readFileSync(join(root, path), 'utf8')

/** In the order of the page. */
const laws = [...read('docs/contributing/invariants.md').matchAll(HEADING)].map(
  ([, id, section, name, level, rest]) => ({
    id,
    section,
    name,
    level,
    failsInReference: rest.includes('[ref fails'),
  }),
)

/** By ID or section, why laws have no tests or no mutants: they say nothing about what there is, or it is not built yet. */
const explained = JSON.parse(read('scripts/laws/explained.json'))

const explanationOf = ({ id, section }) => explained[id] ?? explained[section]

/** All texts of a file that begin with IDs of laws, which are titles of tests. */
const titlesIn = (text) =>
  [
    ...text.matchAll(
      /(['"`])((?:[A-Z]{2}-\d+(?:, )?|\d+\.\d+(?:, )?)*[A-Z]{2}-\d+): ((?:\\.|(?!\1)[^\\])*)\1/g,
    ),
  ].map(([, , ids, title]) => ({ ids: ids.split(', ').filter((id) => /^[A-Z]/.test(id)), title }))

const isTestFile = (file) =>
  /\.ts$/.test(file) &&
  /(^|\/)test\//.test(file) &&
  !/fixtures\/|\/app\/|test\/compat\/|unit\/(citations|laws|law-mutants)/.test(file)

const filesBelow = (folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
    (path) => `${folder}/${path.split(sep).join('/')}`,
  )

/** The tests whose titles begin with a law, by its ID: `{ file, title }`. */
const testsByLaw = () => {
  const found = new Map()
  for (const file of ['test', 'protocols'].flatMap(filesBelow).filter(isTestFile).sort())
    for (const { ids, title } of titlesIn(read(file)))
      for (const id of ids) found.set(id, [...(found.get(id) ?? []), { file, title }])
  return found
}

/**
 * @param mutants - of laws
 * @returns for each law that, with its tests, its mutants and why it may be without
 */
const coverage = (mutants) => {
  const tests = testsByLaw()
  return laws.map((law) => ({
    ...law,
    tests: tests.get(law.id) ?? [],
    mutants: mutants.filter((mutant) => mutant.law === law.id),
    explained: explanationOf(law),
  }))
}

module.exports = { laws, explained, explanationOf, titlesIn, testsByLaw, coverage }
