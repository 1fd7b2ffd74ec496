import autocannon from 'autocannon'
import { type Target } from './process'

export interface LoadResult {
  requestsPerSecond: number
  requestsPerCpuSecond: number
  p99Ms: number
}

const request = (base: string) => ({
  method: 'POST' as const,
  path: '/',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ data: { base, quote: 'USD' } }),
})

/** Posts for the given feeds in turn, over ten connections, for a while. @throws Error when anything but 200 comes back */
export const load = async (target: Target, bases: string[], seconds: number): Promise<LoadResult> => {
  const cpuBefore = target.cpuSeconds()
  const result = await autocannon({
    url: target.url,
    connections: 10,
    duration: seconds,
    requests: bases.map(request),
  })
  const cpu = target.cpuSeconds() - cpuBefore
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 200, ${result.errors} requests failed`)
  return {
    requestsPerSecond: result.requests.total / result.duration,
    requestsPerCpuSecond: result.requests.total / cpu,
    p99Ms: result.latency.p99,
  }
}

export const post = async (
  target: Target,
  base: string,
): Promise<{ status: number; result: number | undefined }> => {
  const response = await fetch(target.url, request(base))
  const { result } = (await response.json()) as { result?: number }
  return { status: response.status, result }
}
