import { type AddressInfo, type Server } from 'node:net'

/** What the bench's provider sends. */
export type Tick = { base: string; quote: string; price: number; time: number }

export const feeds = (count: number): string[] => Array.from({ length: count }, (_, index) => `ASSET${index}`)

/** What a cached answer looks like, for the floor to return. */
export const cachedBody = JSON.stringify({
  result: 1.2345,
  data: { result: 1.2345 },
  timestamps: {
    providerDataStreamEstablishedUnixMs: 1_700_000_000_000,
    providerDataReceivedUnixMs: 1_700_000_000_000,
    providerIndicatedTimeUnixMs: 1_700_000_000_000,
  },
  statusCode: 200,
  meta: {
    adapterName: 'BENCH',
    transportName: 'default_single_transport',
    metrics: { feedId: '{"base":"asset0","quote":"usd"}' },
  },
})

/** A `--name=value` argument of this process. */
export const argument = (name: string, fallback?: string): string => {
  const given = process.argv.find((text) => text.startsWith(`--${name}=`))
  if (given !== undefined) return given.slice(name.length + 3)
  if (fallback !== undefined) return fallback
  throw new Error(`Missing argument --${name}`)
}

/** Tells the bench where a target listens. */
export const reportListening = (server: Server): void => {
  process.send?.({ port: (server.address() as AddressInfo).port })
}
