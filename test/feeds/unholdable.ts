/** What an author's code may return, and JSON cannot hold: a fresh one each time, of the shape of a response. */
type Odd = Record<string, unknown>

const cycle = (): Odd => {
  const data: Odd = { result: 2 }
  data['self'] = { list: [data] }
  return { result: 2, data }
}

const throws = (): never => {
  throw new Error('oops')
}

const deep = (levels: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

export const UNHOLDABLE: { what: string; make: () => Odd }[] = [
  { what: 'a bigint as result', make: () => ({ result: 2n, data: { result: 2 } }) },
  { what: 'a bigint in data', make: () => ({ result: 2, data: { result: 2, block: 7n } }) },
  { what: 'a bigint deep in data', make: () => ({ result: 2, data: { a: { b: [{ c: 7n }] } } }) },
  { what: 'a bigint in a box', make: () => ({ result: 2, data: { a: Object(7n) as unknown } }) },
  {
    what: 'a bigint as time',
    make: () => ({ result: 2, data: {}, timestamps: { providerIndicatedTimeUnixMs: 7n } }),
  },
  { what: 'a cycle', make: cycle },
  { what: 'more levels than fit', make: () => ({ result: 2, data: { deep: deep(50_000) } }) },
  { what: 'a toJSON that throws', make: () => ({ result: 2, data: { toJSON: throws } }) },
  {
    what: 'a toJSON that throws deep in data',
    make: () => ({ result: 2, data: { a: [{ toJSON: throws }] } }),
  },
  { what: 'a toJSON of its own that throws', make: () => ({ result: 2, data: {}, toJSON: throws }) },
  {
    what: 'a toJSON of its own that says nothing',
    make: () => ({ result: 2, data: {}, toJSON: () => undefined }),
  },
  {
    what: 'a toJSON of its own that says a word',
    make: () => ({ result: 2, data: {}, toJSON: () => 'two' }),
  },
  {
    what: 'a getter that throws in data',
    make: () => ({
      result: 2,
      data: {
        get bid() {
          return throws()
        },
      },
    }),
  },
  {
    what: 'a getter of its own that throws',
    make: () => ({
      result: 2,
      get data() {
        return throws()
      },
    }),
  },
  { what: 'an object that nobody may look into', make: () => ({ result: 2, data: { a: revoked() } }) },
  {
    what: 'an error that says more than JSON can hold',
    make: () => ({ errorMessage: 'no', statusCode: 500, a: 7n }),
  },
]
