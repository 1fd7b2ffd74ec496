import { type AdapterResponse, type PartialAdapterResponse } from '../feeds/responses'

/** What is used of the `t` of ava; any object with these will do. */
export interface Assertions {
  is(actual: unknown, expected: unknown): unknown
  deepEqual(actual: unknown, expected: unknown): unknown
  fail(message?: string): unknown
}

type Loose = Record<string, unknown>

const withoutStamps = (response: object): Loose =>
  Object.fromEntries(Object.entries(response).filter(([name]) => name !== 'meta' && name !== 'timestamps'))

/**
 * Compares a response with what was expected of it: its timestamps have to be numbers, whatever they are; `meta` is not looked at, and all
 * the rest has to be deeply equal.
 */
export const assertEqualResponses = (
  t: Assertions,
  actual: AdapterResponse,
  expected: PartialAdapterResponse & { statusCode: number },
): void => {
  const times: Loose = { ...actual.timestamps }
  t.is(typeof times['providerDataReceivedUnixMs'], 'number')
  t.is(
    typeof (times['providerDataRequestedUnixMs'] ?? times['providerDataStreamEstablishedUnixMs']),
    'number',
  )
  t.deepEqual(withoutStamps(actual), withoutStamps(expected))
}
