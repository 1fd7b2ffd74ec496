import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Gate } from '../../src/util/gate'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  vi.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000)
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('Gate', () => {
  it('starts open', async () => {
    const gate = new Gate()
    expect(gate.isClosed).toBe(false)
    await expect(gate.wait(0)).resolves.toBe(true)
  })

  it('opens by its timer while the wall clock stands still', async () => {
    const gate = new Gate()
    const onOpen = vi.fn()
    gate.close(1000, onOpen)
    const passed = gate.wait(1000)
    await vi.advanceTimersByTimeAsync(999)
    expect(gate.isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    await expect(passed).resolves.toBe(true)
    expect(gate.isClosed).toBe(false)
    expect(onOpen).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('turns away who waits for less than it stays closed', async () => {
    const gate = new Gate()
    gate.close(1000)
    const passed = gate.wait(500)
    await vi.advanceTimersByTimeAsync(500)
    await expect(passed).resolves.toBe(false)
    await expect(gate.wait(0)).resolves.toBe(false)
    expect(gate.isClosed).toBe(true)
  })

  it('opens early on new information, once', () => {
    const gate = new Gate()
    const onOpen = vi.fn()
    gate.close(1000, onOpen)
    gate.open()
    gate.open()
    expect(onOpen).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('starts over when closed again', async () => {
    const gate = new Gate()
    const [first, second] = [vi.fn(), vi.fn()]
    gate.close(100, first)
    gate.close(1000, second)
    await vi.advanceTimersByTimeAsync(999)
    expect(gate.isClosed).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(first).not.toHaveBeenCalled()
    expect(second).toHaveBeenCalledOnce()
  })

  it('stays closed for longer than a timer can hold', () => {
    const gate = new Gate()
    const onOpen = vi.fn()
    gate.close(2 ** 32, onOpen)
    vi.advanceTimersByTime(2 ** 32 - 1)
    expect(gate.isClosed).toBe(true)
    vi.advanceTimersByTime(1)
    expect(onOpen).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('may be closed again from its own onOpen', () => {
    const gate = new Gate()
    gate.close(100, () => gate.close(200))
    vi.advanceTimersByTime(100)
    expect(gate.isClosed).toBe(true)
    vi.advanceTimersByTime(200)
    expect(gate.isClosed).toBe(false)
  })

  it('turns everybody away when stopped and leaves no timer', async () => {
    const gate = new Gate()
    const onOpen = vi.fn()
    gate.close(1000, onOpen)
    const passed = gate.wait(5000)
    gate.stop()
    await expect(passed).resolves.toBe(false)
    await expect(gate.wait(5000)).resolves.toBe(false)
    gate.close(1000)
    expect(vi.getTimerCount()).toBe(0)
    expect(onOpen).not.toHaveBeenCalled()
  })
})
