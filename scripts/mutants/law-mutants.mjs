/** Mutants that each break one law of `docs/contributing/invariants.md`: what they are, and what a run of tests says about one. */
import { readFileSync } from 'node:fs'

/** The sections that have mutants, in the order in which they are tried. */
export const SECTIONS = 'SB CN FO RL FR TM ID NU ER IS RS CA SC HT LC OB'.split(' ')

const isOneOf = (section) => (mutant) => mutant.law.startsWith(`${section}-`)

/** All of them, by section. Within one they stay as they are written. */
export const readLawMutants = () =>
  SECTIONS.flatMap((section) => {
    const mutants = JSON.parse(readFileSync(new URL(`laws/${section}.json`, import.meta.url), 'utf8'))
    const strange = mutants.find((mutant) => !isOneOf(section)(mutant))
    if (strange !== undefined) throw new Error(`${strange.law} is not of the section ${section}`)
    return mutants
  })

/** Matches the full names of tests whose titles, or those of the suites around them, begin with one of these laws. */
export const titlesOf = (laws) => `\\b(${laws.join('|')})(, ([A-Z]{2}-\\d+|\\d+\\.\\d+))*: `

/**
 * @param text - of the mutant's file
 * @throws Error where the text to be replaced is not there exactly once
 */
export const mutated = (text, { law, file, find, replace }) => {
  const [before, after, more] = text.split(find)
  if (after === undefined || more !== undefined)
    throw new Error(`${law}: is not exactly once in ${file}: ${find}`)
  return before + replace + after
}

const testsOf = (report) => report.testResults.flatMap(({ assertionResults }) => assertionResults)

/**
 * @param report - of vitest, as JSON; undefined where the run did not end in time
 * @returns `unrun` where the file cannot be loaded, or no test has such a title: that says nothing about the law
 */
export const verdictOf = (report) => {
  if (report === undefined) return 'endless'
  const tests = testsOf(report)
  if (tests.some(({ status }) => status === 'failed')) return 'noticed'
  return tests.some(({ status }) => status === 'passed') ? 'survived' : 'unrun'
}

/**
 * The tests that are not there, or do not pass, although nothing is changed: law and file.
 *
 * @param report - of such a run; undefined where it did not end in time
 */
export const unfitIn = (report, mutants) => {
  const results = report?.testResults ?? []
  const fails = mutants.filter(({ law, test }) => {
    const pattern = new RegExp(titlesOf([law]))
    const of = results.filter(({ name }) => name.endsWith(`/${test}`))
    const tests = testsOf({ testResults: of }).filter(({ fullName }) => pattern.test(fullName))
    const has = (wanted) => tests.some(({ status }) => status === wanted)
    return has('failed') || !has('passed')
  })
  return [...new Set(fails.map(({ law, test }) => `${law} in ${test}`))]
}
