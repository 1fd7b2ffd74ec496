import { expect, it } from 'vitest'
import { wsProvider } from '../../../src/testing/ws-provider'
import { linesAt, logged, loggerFactory } from '../../../test/transports/websocket/support'
import { ETH, eventually, handled, priceMessage, serveVersia, status } from './support'
import { key } from './vectors'

it('OB-4, SC-1: messages log nothing at info and above, and no line has a secret or what a stranger wrote', async () => {
  await using provider = await wsProvider()
  const { private_pkcs8_base64: privateKey } = key('receiver-instance')
  const connect = {
    url: `${provider.url}/ws?token=hush-hush`,
    headers: { authorization: 'Bearer quiet-please' },
    instance: { signedBy: 'receiver.example', privateKey },
  }
  await using service = await serveVersia({ connect }, { serve: { dependencies: { loggerFactory } } })
  const connection = await provider.connection()
  connection.send(priceMessage())
  await service.until(ETH, ({ statusCode }) => statusCode === 200)
  logged.length = 0
  for (let count = 0; count < 99; count++)
    connection.send(priceMessage({ value: '66.6' }, { seedHex: key('other-instance').seed_hex }))
  await handled(connection)
  expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([])
  expect(logged.filter(({ level }) => level === 'debug')).toHaveLength(1)
  connection.send('hello')
  await eventually(async () => (await status(service))[0]?.['state'] === 'waiting')
  expect(linesAt('info', 'warn', 'error', 'fatal')).toEqual([
    'A connection was ended after a hundred bad messages in a row',
    expect.stringContaining('The connection ended (code 1008)'),
  ])
  const everything = JSON.stringify(logged)
  for (const secret of [privateKey, 'hush-hush', 'quiet-please', '66.6'])
    expect(everything).not.toContain(secret)
})
