import { explanationOf, laws, testsByLaw, titlesIn } from '../../scripts/laws/laws.cjs'

/** The laws of these sections, of level A or S, in their order; without those that are explained in `scripts/laws/explained.json`. */
export const lawsOf = (...sections: string[]): string[] =>
  laws
    .filter((law) => law.level !== 'O' && sections.includes(law.section) && explanationOf(law) === undefined)
    .map(({ id }) => id)

/** The laws that titles of tests begin with, in this text of a file. */
export const lawsTitledIn = (text: string): string[] => titlesIn(text).flatMap(({ ids }) => ids)

/** The laws that any test is named after. */
export const titledLaws = (): Set<string> => new Set(testsByLaw().keys())
