/** The commands in a page: lines of its shell blocks, and what stands in the text as code and begins with the name of a program. */

const PROGRAMS = /^(?:(?:npm|npx|node|docker|curl|tickwell) |\.ci\/run$)/
const BLOCK = /^ *```(\w*)\n([^]*?)^ *```$/gm
const COMMENT = /(?:^|\s+)#\s.*$/

const linesOf = (block) =>
  block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(COMMENT, '').trim())
    .filter(Boolean)

/** Each command once, in the order of the page. */
export const commandsIn = (page) => {
  const blocks = [...page.matchAll(BLOCK)].flatMap(([, language, text]) =>
    language === 'sh' ? linesOf(text) : [],
  )
  const prose = page.replaceAll(BLOCK, '')
  const spans = [...prose.matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)].map(([, text]) =>
    text.replaceAll(/\s*\n\s*/g, ' ').trim(),
  )
  return [...new Set([...blocks, ...spans.filter((text) => PROGRAMS.test(text))])]
}

/** What a page links to in this repository, as paths from its root. */
export const pagesLinkedFrom = (page) => [
  ...new Set([...page.matchAll(/\]\((?!https?:|#)([^)#]+\.md)/g)].map(([, path]) => path)),
]
