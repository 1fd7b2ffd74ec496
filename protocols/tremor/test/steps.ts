import { expect } from 'vitest'
import { type ConnectorEvent, type ErrorEvent } from '../events'

/** Bytes in the notation of the vectors. */
export type Bytes = { utf8: string } | { hex: string }

export const bytesOf = (bytes: Bytes): Buffer =>
  'utf8' in bytes ? Buffer.from(bytes.utf8) : Buffer.from(bytes.hex, 'hex')

export interface Step {
  op: string
  peer?: string
  text?: string
  binary?: Bytes
  kind?: 'text' | 'binary'
  fragments?: Bytes[]
  payload?: Bytes
  opcode?: number
  masked?: boolean
  bytes?: number
  code?: number
  reason?: string
  value?: unknown
  meta?: Record<string, unknown>
  origins?: string[]
  path?: string
  state?: string
  times?: number
  count?: number
  waits_ms?: number[]
  after_ms_at_least?: number
  value_keys?: string[]
  meta_keys?: string[]
  same_text?: string[]
}

export interface Scenario {
  definition: object
  steps: Step[]
}

/** Puts what a test knows in place of `$names`; a text that is nothing but a name becomes what it stands for. */
export const fill = <T>(template: T, names: Record<string, unknown>): T => {
  if (typeof template === 'string') {
    if (Object.hasOwn(names, template)) return names[template] as T
    return template.replace(/\$[\w.]+/g, (name) => (name in names ? String(names[name]) : name)) as T
  }
  if (Array.isArray(template)) return template.map((one: unknown) => fill(one, names)) as T
  if (typeof template !== 'object' || template === null) return template
  return Object.fromEntries(
    Object.entries(template).map(([key, value]: [string, unknown]) => [key, fill(value, names)]),
  ) as T
}

export const expectEvent = ({ value, meta }: ConnectorEvent, step: Step): void => {
  expect({ value, meta }).toEqual({ value: step.value, meta: step.meta })
}

export const expectErrorEvent = ({ value, meta }: ErrorEvent, step: Step): void => {
  expect(typeof value.error).toBe('string')
  if (step.value_keys) expect(Object.keys(value).sort()).toEqual(step.value_keys)
  if (step.meta_keys) expect(Object.keys(meta).sort()).toEqual(step.meta_keys)
  if (step.same_text) expect(meta.error).toBe(value.error)
}

/** Steps that a runner does not know must not pass unseen. */
export const unknownStep = ({ op }: Step): never => {
  throw new Error(`there is no step ${op}`)
}
