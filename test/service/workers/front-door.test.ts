import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FrontDoor, type Taker } from '../../../src/service/workers/front-door'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { eventually } from '../../helpers/eventually'

beforeAll(() => {
  LoggerFactoryProvider.set()
})

/** A worker in this process. It takes a connection when the test says so. */
class FakeTaker implements Taker {
  isReady = true
  isSilent = false
  readonly offered: { socket: Socket; settle: (isTaken: boolean) => void }[] = []

  take(socket: Socket): Promise<boolean> {
    return new Promise((settle) => this.offered.push({ socket, settle }))
  }
}

const clients: Socket[] = []
afterEach(() => clients.splice(0).forEach((client) => client.destroy()))

const setUp = async (count: number, most?: number) => {
  const takers = Array.from({ length: count }, () => new FakeTaker())
  const door = new FrontDoor({ EA_HOST: '127.0.0.1', EA_PORT: 0 }, takers, most)
  const port = Number((await door.listen()).split(':')[1])
  const client = async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    clients.push(socket)
    await once(socket, 'connect')
    return socket
  }
  return { door, takers, client }
}

const offers = (taker: FakeTaker) => taker.offered.length

describe('the door of a service of several processes', () => {
  it('hands connections to workers in turn, to each the next when it has the last', async () => {
    const { door, takers, client } = await setUp(2)
    for (let at = 0; at < 3; at++) await client()
    await eventually(() => expect(takers.map(offers)).toEqual([1, 1]))
    takers[1]!.offered[0]!.settle(true)
    await eventually(() => expect(takers.map(offers)).toEqual([1, 2]))
    for (const { settle } of takers.flatMap(({ offered }) => offered)) settle(true)
    await door.close()
  })

  it('hands to another one what a worker had not taken when it ended, and nothing to one that does not answer', async () => {
    const { door, takers, client } = await setUp(2)
    const [first, second] = takers as [FakeTaker, FakeTaker]
    second.isSilent = true
    await client()
    await client()
    await eventually(() => expect(offers(first)).toBe(1))
    second.isSilent = false
    first.isReady = false
    first.offered[0]!.settle(false)
    await eventually(() => expect(offers(second)).toBe(1))
    expect(second.offered[0]!.socket).toBe(first.offered[0]!.socket)
    second.offered[0]!.settle(true)
    await eventually(() => expect(offers(second)).toBe(2))
    second.offered[1]!.settle(true)
    await door.close()
  })

  it('cuts connections when there is no worker', async () => {
    const { door, takers, client } = await setUp(1)
    takers[0]!.isReady = false
    const ended = once(await client(), 'close')
    await ended
    await door.close()
  })

  it('LC-3: closes when workers have taken all connections that had come', async () => {
    const { door, takers, client } = await setUp(1)
    const [taker] = takers as [FakeTaker]
    for (let at = 0; at < 3; at++) await client()
    let isClosed = false
    const closed = door.close().then(() => (isClosed = true))
    for (let at = 0; at < 3; at++) {
      await eventually(() => expect(offers(taker)).toBe(at + 1))
      expect(isClosed).toBe(false)
      taker.offered[at]!.settle(true)
    }
    await closed
    await expect(client()).rejects.toThrow('ECONNREFUSED')
  })

  it('lets as many wait as one process has, and cuts the next', async () => {
    const { door, takers, client } = await setUp(1, 2)
    const [taker] = takers as [FakeTaker]
    await client()
    await eventually(() => expect(offers(taker)).toBe(1))
    const [, , beyond] = [await client(), await client(), await client()]
    await once(beyond, 'close')
    for (let at = 0; at < 3; at++) {
      await eventually(() => expect(offers(taker)).toBe(at + 1))
      taker.offered[at]!.settle(true)
    }
    await door.close()
    expect(offers(taker)).toBe(3)
  })
})
