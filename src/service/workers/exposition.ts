/** One metric in Prometheus' text format: its samples, and the lines with its help and type. */
interface Family {
  head: string[]
  samples: string[]
}

const nameIn = (line: string): string | undefined => /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1]

/**
 * Joins the metrics of several processes into one text. In that format all samples of a metric must stand together, so they are grouped.
 * No two samples are the same, because each process gives its samples a label of its own.
 */
export const mergeExpositions = (texts: readonly string[]): string => {
  const families = new Map<string, Family>()
  for (const text of texts) {
    let family: Family | undefined
    let isNew = false
    let current: string | undefined
    for (const line of text.split('\n')) {
      if (line === '') continue
      const name = nameIn(line)
      if (name !== undefined && name !== current) {
        current = name
        family = families.get(name)
        isNew = family === undefined
        if (family === undefined) families.set(name, (family = { head: [], samples: [] }))
      }
      if (name === undefined) family?.samples.push(line)
      else if (isNew) family?.head.push(line)
    }
  }
  return [...families.values()].map(({ head, samples }) => `${[...head, ...samples].join('\n')}\n`).join('\n')
}
