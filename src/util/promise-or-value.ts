/** A value, or a promise of it. */
export type PromiseOrValue<T> = Promise<T> | T
