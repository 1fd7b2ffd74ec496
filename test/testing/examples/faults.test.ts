import { expect, it } from 'vitest'
import { answers, httpProvider, matchers, serve } from '../../../src/testing'
import { makeAcmeHttp } from './acme'

expect.extend(matchers)

const feed = { base: 'ETH', quote: 'USD' }

it('serves nothing of an answer that is cut off, and the price of the next one', async () => {
  await using provider = await httpProvider()
  provider.answer(() => answers.json({ prices: [{ s: 'ETH/USD', p: 1800.5, t: Date.now() }] }))
  provider.answerNext(answers.cut({ prices: [{ s: 'ETH/USD', p: 7, t: Date.now() }] }))
  await using service = await serve(makeAcmeHttp, { env: { API_ENDPOINT: provider.url, RETRY: '0' } })
  const reply = await service.until(feed, ({ statusCode }) => statusCode === 200)
  expect(reply).toAnswer(200, 1800.5)
  expect((await provider.next()).query.get('s')).toBe('ETH/USD')
  expect(provider.requests.length).toBeGreaterThan(1)
})
