/** What an expression of Prometheus names. */
export interface Named {
  /** Each metric, with the labels that are asked of it. */
  metrics: { name: string; labels: string[] }[]
  /** Labels by which series are taken together, or matched. */
  grouping: string[]
}

const WORDS = new Set(['and', 'or', 'unless', 'offset', 'bool'])
const GROUPING = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'])

/** Reads names, braces and brackets; strings, ranges and numbers have none. Functions are the names before a bracket. */
export const namesIn = (expr: string): Named => {
  const metrics: Named['metrics'] = []
  const grouping: string[] = []
  const tokens = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\boffset \w+/g, '')
    .match(/[a-zA-Z_:][\w:]*|[(){}]/g)!
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    const upTo = (end: string): string[] => {
      const from = at + 2
      at = tokens.indexOf(end, from)
      return tokens.slice(from, at)
    }
    if (!/^\w/.test(token) || WORDS.has(token)) continue
    if (GROUPING.has(token)) grouping.push(...upTo(')'))
    else if (tokens[at + 1] === '{') metrics.push({ name: token, labels: upTo('}') })
    else if (tokens[at + 1] !== '(' && !GROUPING.has(tokens[at + 1] ?? ''))
      metrics.push({ name: token, labels: [] })
  }
  return { metrics, grouping }
}
