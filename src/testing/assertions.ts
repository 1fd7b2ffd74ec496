import { type AdapterResponse, type PartialAdapterResponse } from '../feeds/responses'

/** The methods of ava's `t` that are used; any object with these is accepted. */
export interface Assertions {
  is(actual: unknown, expected: unknown): unknown
  deepEqual(actual: unknown, expected: unknown): unknown
  fail(message?: string): unknown
}

type Loose = Record<string, unknown>

const withoutStamps = (response: object): Loose =>
  Object.fromEntries(Object.entries(response).filter(([name]) => name !== 'meta' && name !== 'timestamps'))

/**
 * Compares a response with the expected one. The time of receipt, and that of the request or of the stream, have to be numbers of any
 * value; `meta` is ignored; everything else has to be deeply equal.
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
