import { type Overrides } from '../validation/overrides'

export { type Overrides }
export { type ReservedInputParameterNames } from '../validation/definition-types'

/** The body of a client's request. Other members are ignored and are not sent back. */
export interface AdapterRequestBody<T = AdapterRequestData> {
  endpoint?: string
  data: T
}

export type AdapterRequestData = Record<string, unknown> & {
  endpoint?: string
  transport?: string
  overrides?: Overrides
}

/** All members of both types. Where both have one, it is that of the second. */
export type Merge<T1, T2> = {
  [K in keyof T1 | keyof T2]: K extends keyof T2 ? T2[K] : K extends keyof T1 ? T1[K] : never
}

export type Writeable<T> = { -readonly [K in keyof T]: T[K] }
