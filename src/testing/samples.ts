/** One sample of Prometheus' text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

// With the flag `s`, because only \n ends a line in this format; the other line ends of Unicode are ordinary text.
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/s
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/gs

const unescape = (text: string): string =>
  text.replace(/\\(.)/gs, (_all, c: string) => (c === 'n' ? '\n' : c))

/** `+Inf` and `-Inf` are how Prometheus writes what JavaScript calls Infinity. */
const parseValue = (text: string): number => Number(text.replace('Inf', 'Infinity'))

const parseLine = (line: string): Sample | undefined => {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
  if (name === undefined || value === undefined) return undefined
  const pairs = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, unescape(text)] as const)
  return { name, labels: Object.fromEntries(pairs), value: parseValue(value) }
}

/** The samples of a text in Prometheus' format, without its comments. */
export const parseSamples = (text: string): Sample[] =>
  text
    .split('\n')
    .map(parseLine)
    .filter((sample) => sample !== undefined)

/**
 * The value of the one sample that has this name and at least these labels.
 *
 * @returns undefined when there is none
 * @throws Error when there are several, with all of them
 */
export const sampleValue = (
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined => {
  const wanted = Object.entries(labels)
  const found = samples.filter(
    (sample) => sample.name === name && wanted.every(([key, text]) => sample.labels[key] === text),
  )
  if (found.length < 2) return found[0]?.value
  const shown = found.map((sample) => `\n  ${JSON.stringify(sample.labels)} ${sample.value}`).join('')
  throw new Error(`${name} has ${found.length} samples with these labels, name more:${shown}`)
}
