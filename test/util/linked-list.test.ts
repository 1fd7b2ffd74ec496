import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DoubleLinkedList, LinkedListNode } from '../../src/util/linked-list'

const forwards = (list: DoubleLinkedList): string[] => {
  const keys: string[] = []
  for (let node = list.head; node; node = node.next) keys.push(node.key)
  return keys
}

const backwards = (list: DoubleLinkedList): string[] => {
  const keys: string[] = []
  for (let node = list.tail; node; node = node.prev) keys.unshift(node.key)
  return keys
}

describe('DoubleLinkedList', () => {
  it('holds what an array would hold after any appends and removals', () => {
    const command = fc.oneof(fc.constant('append'), fc.constant('removeHead'), fc.nat({ max: 20 }))
    fc.assert(
      fc.property(fc.array(command), (commands) => {
        const list = new DoubleLinkedList()
        const model: LinkedListNode[] = []
        commands.forEach((command, at) => {
          if (command === 'append') {
            const node = new LinkedListNode(String(at), at)
            expect(list.insertAtTail(node)).toBe(node)
            model.push(node)
          } else if (command === 'removeHead') {
            expect(list.removeHead()).toBe(model.shift())
          } else {
            const [node] = model.splice(Number(command), 1)
            expect(list.remove(node ?? null)).toBe(node)
          }
          const keys = model.map((node) => node.key)
          expect(forwards(list)).toEqual(keys)
          expect(backwards(list)).toEqual(keys)
          expect(list.size).toBe(keys.length)
        })
      }),
    )
  })
})
