/** One metric in Prometheus' text format: the lines with its help and type, and its samples, each part with the end of its last line. */
interface Family {
  head: string
  samples: string[]
}

const BEGIN = '# HELP '

/** The metrics of a text, each from its help to what stands before the next. They are cut out and not read: a text may have megabytes. */
function* blocksOf(text: string): Iterable<string> {
  let from = text.startsWith(BEGIN) ? 0 : text.indexOf(`\n${BEGIN}`) + 1
  if (from === 0 && !text.startsWith(BEGIN)) return
  while (from < text.length) {
    const next = text.indexOf(`\n${BEGIN}`, from)
    yield text.slice(from, next < 0 ? text.length : next).trimEnd()
    if (next < 0) return
    from = next + 1
  }
}

/**
 * Joins the metrics of several processes into one text. In that format all samples of a metric must stand together, so they are grouped.
 * No two samples are the same, because each process gives its samples a label of its own.
 */
export const mergeExpositions = (texts: readonly string[]): string => {
  const families = new Map<string, Family>()
  for (const text of texts)
    for (const block of blocksOf(text)) {
      const name = block.slice(BEGIN.length, block.indexOf(' ', BEGIN.length))
      const type = block.indexOf('\n') + 1
      const first = block.indexOf('\n', type) + 1
      const head = first > 0 ? block.slice(0, first) : `${block}\n`
      const family = families.get(name) ?? { head, samples: [] }
      families.set(name, family)
      if (first > 0) family.samples.push(`${block.slice(first)}\n`)
    }
  return Array.from(families.values(), ({ head, samples }) => head + samples.join('')).join('\n')
}
