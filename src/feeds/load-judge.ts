import { type AdapterResponse } from './responses'

/** The member of a cache that reads what other processes wrote: who is asked before such a value is handed out. */
export const ON_LOAD: unique symbol = Symbol('tickwell.onLoad')

/** @returns how much longer a value may be served, in ms; undefined where the key belongs to somebody else */
export type LoadJudge<T = unknown> = (key: string, value: Readonly<T>) => number | undefined

/** CA-7: whether it is a response at all. Every one is stored with its status; one that HTTP does not know is answered as an error. */
export const isResponse = ({ statusCode, errorMessage, result, data }: Partial<AdapterResponse>): boolean =>
  statusCode !== undefined && (errorMessage ?? result ?? data) !== undefined
