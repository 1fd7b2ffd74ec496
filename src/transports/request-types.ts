import { type Overrides } from '../validation/overrides'

export { type Overrides }
export { type ReservedInputParameterNames } from '../validation/definition-types'

/** What a client posts. Other members are ignored and not echoed. */
export interface AdapterRequestBody<T = AdapterRequestData> {
  endpoint?: string
  data: T
}

export type AdapterRequestData = Record<string, unknown> & {
  endpoint?: string
  transport?: string
  overrides?: Overrides
}

/** Every member of both; those of the second where both have one. */
export type Merge<T1, T2> = {
  [K in keyof T1 | keyof T2]: K extends keyof T2 ? T2[K] : K extends keyof T1 ? T1[K] : never
}

export type Writeable<T> = { -readonly [K in keyof T]: T[K] }
