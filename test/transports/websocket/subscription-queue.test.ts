import { expect, it } from 'vitest'
import { type SubscriptionDeltas } from '../../../src/feeds/delta'
import { SubscriptionQueue } from '../../../src/transports/websocket/pacing/subscription-queue'

/** One pacer whose room a test gives and takes; `send` takes one of it per message. */
const setUp = (room: number, of: { feedsPerMessage?: number; isLimited?: boolean } = {}) => {
  const { feedsPerMessage = 1, isLimited = true } = of
  const pacer = { isLimited, room }
  const sent: string[][] = []
  const state = { isOpen: true, failing: undefined as Error | undefined, failures: 0 }
  const queue = new SubscriptionQueue<string, object>({
    pacer,
    identityOf: String,
    isOpen: () => state.isOpen,
    feedsPerMessage,
    send: async (_, { stale, new: fresh }) => {
      await Promise.resolve()
      if (state.failing) throw state.failing
      const messages = [...stale.map((one) => `-${one}`), ...fresh.map((one) => `+${one}`)]
      pacer.room -= Math.ceil(stale.length / feedsPerMessage) + Math.ceil(fresh.length / feedsPerMessage)
      sent.push(messages)
    },
    onFailure: () => void state.failures++,
  })
  const deltas = (fresh: string[], stale: string[] = []): SubscriptionDeltas<string> => ({
    desired: fresh,
    new: fresh,
    stale,
  })
  return {
    queue,
    sent,
    state,
    add: (fresh: string[], stale?: string[]) => queue.add({}, deltas(fresh, stale)),
    give: async (more: number) => {
      pacer.room += more
      queue.proceed()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

it('what has no room waits, and goes out in order, unsubscribing first', async () => {
  const { queue, sent, add, give } = setUp(2)
  await add(['a', 'b', 'c', 'd'])
  expect(sent).toEqual([['+a', '+b']])
  expect([queue.isWaiting('b'), queue.isWaiting('c')]).toEqual([false, true])
  await add(['e'], ['a'])
  await give(3)
  expect(sent.slice(1)).toEqual([['-a', '+c', '+d']])
  await give(3)
  expect(sent.slice(2)).toEqual([['+e']])
})

it('a feed that is unwanted before its turn is never sent, and one that is wanted again is not unsubscribed', async () => {
  const { queue, sent, add, give } = setUp(1)
  await add(['a', 'b'])
  await add([], ['b'])
  await add([], ['a'])
  await add(['a'])
  expect(queue.size).toBe(0)
  await give(5)
  expect(sent).toEqual([['+a']])
})

it('a feed that is asked for again waits once, with all the others', async () => {
  const { queue, sent, add, give } = setUp(1)
  await add(['a', 'b'])
  await queue.again(['a'])
  await queue.again(['a', 'b'])
  expect(queue.size).toBe(2)
  await give(5)
  expect(sent).toEqual([['+a'], ['+b', '+a']])
})

it('a message takes as many feeds as it may carry', async () => {
  const { sent, add, give } = setUp(2, { feedsPerMessage: 3 })
  await add(['a', 'b', 'c', 'd', 'e', 'f', 'g'], ['z'])
  expect(sent).toEqual([['-z', '+a', '+b', '+c']])
  await give(1)
  expect(sent[1]).toEqual(['+d', '+e', '+f'])
})

it('a builder of whole passes gets all that waits at once', async () => {
  const { sent, add, give } = setUp(0, { feedsPerMessage: Infinity })
  await add(['a', 'b'])
  await add(['c'], ['b'])
  expect(sent).toEqual([])
  await give(1)
  expect(sent).toEqual([['+a', '+c']])
})

it('what failed is sent again, after the pass that was told of it', async () => {
  const { sent, state, add, give } = setUp(0)
  await add(['a'])
  state.failing = new Error('no line')
  await give(2)
  expect(state.failures).toBe(1)
  // Not tried over and over meanwhile.
  await give(0)
  expect(state.failures).toBe(1)
  await expect(add(['b'])).rejects.toThrow('no line')
  state.failing = undefined
  await add([])
  expect(sent).toEqual([['+a', '+b']])
})

it('nothing is left of a connection that ended', async () => {
  const { queue, sent, add, give } = setUp(1)
  await add(['a', 'b'])
  queue.clear()
  await give(5)
  expect(sent).toEqual([['+a']])
})

it('without a limit, and without a connection, everything is passed on as it is', async () => {
  for (const [isLimited, isOpen] of [
    [false, true],
    [true, false],
  ] as const) {
    const { sent, state, add } = setUp(1, { isLimited })
    state.isOpen = isOpen
    await add(['a', 'b', 'c'], ['d'])
    await add([], ['a'])
    expect(sent).toEqual([['-d', '+a', '+b', '+c'], ['-a']])
  }
})

it('what comes while something is being sent is sent after it, once', async () => {
  const { queue, sent, add } = setUp(9)
  await Promise.all([add(['a']), add(['b']), add([], ['z'])])
  expect(sent.flat().toSorted()).toEqual(['+a', '+b', '-z'])
  expect(queue.size).toBe(0)
})

it('a builder of whole passes gets a pass as it is where nothing waits, and not beside another', async () => {
  const { queue, sent, add } = setUp(9, { feedsPerMessage: Infinity })
  await add([], [])
  expect(sent).toEqual([[]])
  await Promise.all([add(['a']), add(['b'])])
  expect(sent.slice(1)).toEqual([['+a'], ['+b']])
  expect(queue.size).toBe(0)
})

it('counts what waits of both kinds', async () => {
  const { queue, add } = setUp(0)
  await add(['a', 'b'], ['c'])
  expect(queue.size).toBe(3)
})

it('unsubscribes as many feeds in a message as subscribes', async () => {
  const { sent, add } = setUp(1, { feedsPerMessage: 3 })
  await add(['a'], ['x', 'y', 'z'])
  expect(sent).toEqual([['-x', '-y', '-z']])
})

it('does not send again, on the next connection, what failed on one that has ended', async () => {
  const { queue, sent, state, add } = setUp(1)
  state.failing = new Error('no line')
  const failed = add(['a'])
  queue.clear()
  await expect(failed).rejects.toThrow('no line')
  state.failing = undefined
  expect(queue.size).toBe(0)
  await add(['b'])
  expect(sent).toEqual([['+b']])
})
