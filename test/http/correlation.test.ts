import { expect, it, vi } from 'vitest'
import { serve } from '../../src/testing/serve'
import { asyncLocalStorage, type LoggerFactory, type Store } from '../../src/util/logging'
import { stillAdapter } from './support'

type Line = { correlationId?: string }

it('without anything of the author’s on the way no store is used, and our lines still have the id', async () => {
  const lines: Line[] = []
  const log = (line: Line) => void lines.push(line)
  const logger = { fatal: log, error: log, warn: log, info: log, debug: log, trace: log }
  const run = vi.spyOn(asyncLocalStorage, 'run')
  const loggerFactory = { child: () => logger } as unknown as LoggerFactory
  await using service = await serve(stillAdapter().adapter, { dependencies: { loggerFactory } })
  await service.post({ base: 5 }, { headers: { 'x-correlation-id': 'abc' } })
  await service.post({ base: 5 })
  const ids = lines.map(({ correlationId }) => correlationId).filter((id) => id !== undefined)
  expect(ids).toEqual(['abc', expect.stringMatching(/^[0-9a-f-]{36}$/)])
  const stores = run.mock.calls.map(([store]) => (store as Store).correlationId)
  expect(stores.filter((id) => !id.startsWith('Endpoint: '))).toEqual([])
})

it('with a hook of the author’s on the way the store holds the id', async () => {
  const seen: unknown[] = []
  const endpoint = { requestTransforms: [() => void seen.push(asyncLocalStorage.getStore())] }
  await using service = await serve(stillAdapter({ endpoint }).adapter)
  await service.post({ base: 'ETH', quote: 'USD' }, { headers: { 'x-correlation-id': 'abc' } })
  expect(seen).toEqual([{ correlationId: 'abc' }])
})
