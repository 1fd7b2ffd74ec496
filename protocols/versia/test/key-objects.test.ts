import { createPublicKey } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { ReplayMemory } from '../replay-memory'
import { pinnedKeys } from '../signers'
import { Verifier } from '../verifier'
import { priceMessage } from './support'
import { trustedKeys } from './vectors'

vi.mock('node:crypto', { spy: true })

it('key objects are made once, at the start: making one for each message would double the cost of a signature', () => {
  const keys = pinnedKeys(trustedKeys('0.6'), '0.6', false, [])
  const memory = new ReplayMemory()
  const verifier = new Verifier({
    version: '0.6',
    path: '/.versia/v0.6/inbox',
    keys: { keysOf: (name) => keys.get(name) },
    memory,
  })
  for (let count = 0; count < 20; count++) verifier.verify(Buffer.from(priceMessage()), false, Date.now())
  expect(memory.size).toBe(20)
  expect(createPublicKey).toHaveBeenCalledTimes(1)
})
