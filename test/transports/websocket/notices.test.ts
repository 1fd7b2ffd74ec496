import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Notices } from '../../../src/transports/websocket/batches/notices'
import { LoggerFactoryProvider } from '../../../src/public/util'

const MINUTE = 60_000

const listen = () => {
  const texts: string[] = []
  const child = { warn: ({ text }: { text: string }) => texts.push(text), bindings: vi.fn() }
  LoggerFactoryProvider.set({ child: () => child } as never)
  onTestFinished(() => LoggerFactoryProvider.set())
  return { notices: new Notices('Acme', {}), texts }
}

describe('notices of a provider', () => {
  it('OB-4: are logged at most once a minute each', () => {
    const { notices, texts } = listen()
    for (const at of [0, 1, MINUTE - 1, MINUTE]) notices.say('ErrSlowRead', at)
    notices.say('other', 2)
    expect(texts).toEqual(['ErrSlowRead', 'ErrSlowRead', 'other'])
  })

  it('OB-4: are few, and short, however many a provider makes up', () => {
    const { notices, texts } = listen()
    for (let index = 0; index < 1_000; index++) notices.say(`${index}`.repeat(500), 0)
    expect(texts).toHaveLength(20)
    expect(Math.max(...texts.map(({ length }) => length))).toBe(300)
  })
})
