import { type AdapterResponse } from '../../src/feeds/responses'
import { type AdapterRequest, type Transport, type TransportGenerics } from '../../src/transports/transport'

export type Answer = AdapterResponse | undefined

/** A good value that was received just now. */
export const fresh = (result: unknown, data: unknown): Answer =>
  ({
    result,
    data,
    statusCode: 200,
    timestamps: {
      providerDataRequestedUnixMs: 1,
      providerDataReceivedUnixMs: 2,
      providerIndicatedTimeUnixMs: undefined,
    },
  }) as Answer

/** A transport that answers every request that the cache cannot. */
export const answering = (
  answer: (req: AdapterRequest<unknown>) => Answer = () => undefined,
): Transport<never> => {
  const transport: Partial<Transport<TransportGenerics>> = {
    initialize: (_dependencies, _settings, _endpoint, name) => {
      transport.name = name
      return Promise.resolve()
    },
    foregroundExecute: (req) => Promise.resolve(answer(req)),
  }
  return transport as unknown as Transport<never>
}
