/** The optional parts of an event and of a service check, in the order in which they are written. */
export interface Section {
  mark: string
  key: string
  kind: 'text' | 'time' | 'tags' | 'rate'
}

const tags: Section = { mark: '#', key: 'tags', kind: 'tags' }
const container: Section = { mark: 'c:', key: 'container_id', kind: 'text' }
const time: Section = { mark: 'd:', key: 'timestamp', kind: 'time' }
const host: Section = { mark: 'h:', key: 'hostname', kind: 'text' }

export const metricSections: readonly Section[] = [
  { mark: '@', key: 'sample_rate', kind: 'rate' },
  tags,
  container,
]

export const eventSections: readonly Section[] = [
  time,
  host,
  { mark: 'k:', key: 'aggregation_key', kind: 'text' },
  { mark: 'p:', key: 'priority', kind: 'text' },
  { mark: 's:', key: 'source', kind: 'text' },
  { mark: 't:', key: 'type', kind: 'text' },
  tags,
  container,
]

export const serviceCheckSections: readonly Section[] = [
  time,
  host,
  tags,
  { mark: 'm:', key: 'message', kind: 'text' },
  container,
]
