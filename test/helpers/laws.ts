import { filesBelow, read } from './repository'

const page = read('docs/contributing/invariants.md')

/** The laws of these sections, of level A or S, in their order; without those about decimal text, which is not there yet. */
export const lawsOf = (...sections: string[]): string[] =>
  [...page.matchAll(/^\*\*(([A-Z]{2})-\d+) · .* · [AS]\*\*/gm)]
    .filter(([, , section = '']) => sections.includes(section))
    .map(([, law = '']) => law)
    .filter((law) => !/^NU-[345]$/.test(law))

/** The laws that titles of tests begin with, in this text of a file; sections of the contract may stand among them. */
export const lawsTitledIn = (text: string): string[] =>
  [...text.matchAll(/['"`]((?:(?:[A-Z]{2}-\d+|\d+\.\d+)(?:, )?)+): /g)].flatMap(([, ids = '']) =>
    ids.split(', ').filter((id) => /^[A-Z]/.test(id)),
  )

/** The laws that any test is named after. */
export const titledLaws = (): Set<string> =>
  new Set(
    ['test', 'protocols']
      .flatMap((folder) => filesBelow(folder, /\.ts$/))
      .filter(
        (file) =>
          /(^|\/)test\//.test(file) && !/fixtures\/|\/app\/|test\/compat\/|unit\/(citations|laws)/.test(file),
      )
      .flatMap((file) => lawsTitledIn(read(file))),
  )
