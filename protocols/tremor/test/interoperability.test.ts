import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAdapter } from '../adapters/tremor'
import { serve } from '../../../src/testing/serve'
import { Inbox } from '../../../src/testing/inbox'
import { GUARD_MS } from '../../../test/helpers/eventually'
import { PeerSocket } from './peer'
import { certificateFiles, listeningServer, running, serverDefinition } from './support'

const TOKEN = 'a-token-of-length-enough'
const PEERS = JSON.stringify([{ name: 'one', rank: 1, token: TOKEN }])
const WSCAT = join(__dirname, '../../../node_modules/wscat/bin/wscat')

const has = (tool: string, ...args: string[]) => spawnSync(tool, args).status === 0
const hasPython = has('python3', '--version')
const hasOpenssl = has('openssl', 'version')

const ethUsd = { base: 'ETH', quote: 'USD' }
const PRICE = '{"base":"ETH","quote":"USD","price":1800.5}'

/** A process with its output by lines; ends with the test. */
const run = (command: string, args: string[]) => {
  const child: ChildProcessWithoutNullStreams = spawn(command, args)
  const lines = new Inbox<string>(`a line of ${command}`, GUARD_MS)
  createInterface(child.stdout).on('line', (line) => lines.put(line))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    child,
    lines,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const pushedTo = async () => {
  const service = await serve(createAdapter, {
    env: { TREMOR_LISTEN: '127.0.0.1:0', TREMOR_PEERS: PEERS, BACKGROUND_EXECUTE_MS_WS: '10' },
    listen: true,
    guardMs: GUARD_MS,
  })
  for (;;) {
    const { endpoints } = (await service.api.inject('/status')).json<{
      endpoints: { connections: { state: string; url: string }[] }[]
    }>()
    const [listener] = endpoints[0]?.connections ?? []
    if (listener?.state === 'listening')
      return {
        service,
        url: listener.url,
        port: new URL(listener.url).port,
        [Symbol.asyncDispose]: () => service.stop(),
      }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('peers of other makes', () => {
  it('wscat pushes a price, which is answered over HTTP and shows in /status and in the metrics', async () => {
    await using adapter = await pushedTo()
    const { service, url } = adapter
    const header = `authorization: Bearer ${TOKEN}`
    await using wscat = run(process.execPath, [WSCAT, '-c', url, '-H', header, '-x', PRICE, '-w', '60'])
    await service.until(ethUsd, ({ statusCode }) => statusCode === 200)
    const answer = await fetch(service.url as string, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: ethUsd }),
    })
    expect(await answer.json()).toMatchObject({ result: 1800.5, statusCode: 200 })
    const status = await (await fetch(`${service.url}/status`)).text()
    expect(status).toContain('"peer":"one"')
    expect(status).not.toContain(TOKEN)
    expect(await service.metric('transport_circuit_open', { app_name: 'TREMOR' })).toBe(1)
    expect(wscat.child.exitCode).toBeNull()
  })

  it('wscat without the token is refused', async () => {
    await using adapter = await pushedTo()
    await using wscat = run(process.execPath, [WSCAT, '-c', adapter.url, '-x', PRICE])
    expect(await wscat.ended).not.toBe(0)
    expect(await adapter.service.metric('data_refused_total', { reason: 'unauthenticated' })).toBe(1)
  })

  it.skipIf(!hasPython)(
    `a peer in Python speaks in fragments and pings${hasPython ? '' : ' (skipped: there is no python3 here)'}`,
    async () => {
      await using adapter = await pushedTo()
      await using python = run('python3', [join(__dirname, 'processes/raw-peer.py'), adapter.port, TOKEN])
      expect(await python.ended).toBe(0)
      expect(python.lines.all).toEqual([
        'HTTP/1.1 101 Switching Protocols',
        `10 ${Buffer.from('between').toString('hex')}`,
        '8 03e8',
      ])
      expect((await adapter.service.post(ethUsd)).json.result).toBe(1800.5)
      expect((await adapter.service.post({ base: 'BTC', quote: 'USD' })).json.result).toBe(60_000)
    },
  )

  it.skipIf(!hasOpenssl)(
    `openssl pushes by hand over TLS${hasOpenssl ? '' : ' (skipped: there is no openssl here)'}`,
    async () => {
      using files = certificateFiles()
      await using server = await listeningServer(
        serverDefinition({ tls: { cert: files.cert, key: files.key } }),
      )
      const target = `127.0.0.1:${server.port}`
      await using openssl = run('openssl', [
        's_client',
        '-quiet',
        '-CAfile',
        files.cert,
        '-verify_return_error',
        '-connect',
        target,
      ])
      const upgrade = ['GET / HTTP/1.1', `Host: ${target}`, 'Upgrade: websocket', 'Connection: Upgrade']
      const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']
      openssl.child.stdin.write([...upgrade, ...key, '', ''].join('\r\n'))
      await openssl.lines.next((line) => line === 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
      openssl.child.stdin.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x37]))
      expect(await server.events.next()).toMatchObject({ value: 7, meta: { ws_server: { tls: true } } })
    },
  )
})

describe('a proxy that ends TLS', () => {
  const proxy = async (files: ReturnType<typeof certificateFiles>, target: number | string) => {
    const script = join(__dirname, 'processes/tls-proxy.mjs')
    const process_ = run(process.execPath, [script, files.cert, files.key, String(target)])
    return { ...process_, port: await process_.lines.next() }
  }

  it('in front of the listener lets peers in by their tokens', async () => {
    using files = certificateFiles()
    await using adapter = await pushedTo()
    await using front = await proxy(files, adapter.port)
    const peer = await PeerSocket.connect(`wss://127.0.0.1:${front.port}`, {
      ca: files.text.cert,
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    peer.send(PRICE)
    await peer.settled()
    expect((await adapter.service.post(ethUsd)).json.result).toBe(1800.5)
    await expect(
      PeerSocket.connect(`wss://127.0.0.1:${front.port}`, { ca: files.text.cert }),
    ).rejects.toThrow('401')
  })

  it('in front of a provider is what a client checks the certificate of; and one connector can feed another', async () => {
    using files = certificateFiles()
    await using server = await listeningServer(serverDefinition())
    await using front = await proxy(files, server.port)
    const config = { url: `wss://localhost:${front.port}`, tls: { cafile: files.cert } }
    await using client = await running({ type: 'ws_client', definition: { codec: 'json', config } })
    client.connector.start()
    await client.until(() => client.connector.state === 'connected', 'connected')
    expect(client.connector.send({ value: { n: 1 } })).toEqual([])
    const { value, origin } = await server.events.next()
    expect(value).toEqual({ n: 1 })
    expect(server.connector.send({ value: 'thanks', origins: [origin.stream] })).toEqual([])
    expect(await client.events.next()).toMatchObject({ value: 'thanks', meta: { ws_client: { tls: true } } })
  })
})
