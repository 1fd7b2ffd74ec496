import { describe, expect, it, vi } from 'vitest'
import { isOurs } from '../../src/util/overridden'

class Ours {
  read(): string {
    return 'read'
  }

  write(): string {
    return 'written'
  }
}

class Theirs extends Ours {
  override write(): string {
    return 'kept'
  }
}

describe('whether methods are ours', () => {
  it('is told for each class by the methods that count', () => {
    expect(isOurs(new Ours(), Ours, 'read', 'write')).toBe(true)
    expect(isOurs(new Theirs(), Ours, 'read')).toBe(true)
    expect(isOurs(new Theirs(), Ours, 'read', 'write')).toBe(false)
    expect(isOurs(new Theirs(), Theirs, 'write')).toBe(true)
  })

  it('changes when a method of an object at work is replaced, and when that is undone', () => {
    const object = new Ours()
    const spy = vi.spyOn(object, 'read')
    expect(isOurs(object, Ours, 'read')).toBe(false)
    expect(isOurs(object, Ours, 'write')).toBe(true)
    spy.mockRestore()
    expect(isOurs(object, Ours, 'read')).toBe(true)
  })
})
