import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { metrics } from '../../../src/metrics/registry'
import { Inbox } from '../../../src/testing/inbox'
import { type Connector } from '../connector'
import { createConnector } from '../create-connector'
import { type ConnectorEvent, type ErrorEvent } from '../events'
import { type ConnectorConfig } from '../options'
import { type WsServer } from '../ws-server'
import { LoggerFactoryProvider } from '../../../src/util/logging'
import { selfSigned } from '../../../test/http/certificate'
import { silentLoggers } from '../../../test/connections/support'
import { eventually as eventuallyPassing, GUARD_MS } from '../../../test/helpers/eventually'

LoggerFactoryProvider.set(silentLoggers)
metrics.initialize()

/** A directory with a key and a certificate for localhost and 127.0.0.1, which is also the authority for it. */
export const certificateFiles = () => {
  const directory = mkdtempSync(join(tmpdir(), 'tremor-'))
  const write = (name: string, text: string) => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const { cert, key } = selfSigned()
  return {
    text: { cert, key },
    cert: write('cert.pem', cert),
    key: write('key.pem', key),
    write,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  }
}

/** A connector with its ports in boxes. */
export const running = async <C extends Connector>(
  config: ConnectorConfig,
  random: () => number = () => 0,
) => {
  const box = <T>(what: string) => {
    const inbox = new Inbox<T>(what, GUARD_MS)
    return { inbox, put: (item: T) => inbox.put(item) }
  }
  const events = box<ConnectorEvent>('an event')
  const errors = box<ErrorEvent>('an error event')
  const faults = box<string>('a fault')
  const states = box<string>('a state')
  const circuits = box<string>('a change of the circuit')
  const connector = (await createConnector(config, {
    alias: 'flow::test',
    random,
    onEvent: events.put,
    onError: errors.put,
    onFault: faults.put,
    onState: states.put,
    onCircuit: circuits.put,
  })) as C
  return {
    connector,
    events: events.inbox,
    errors: errors.inbox,
    faults: faults.inbox,
    states: states.inbox,
    circuits: circuits.inbox,
    until: (isSo: () => boolean, what: string) => eventually(isSo, what),
    [Symbol.asyncDispose]: () => connector.stop(),
  }
}

/** For what nobody tells. */
export const eventually = (isSo: () => boolean, what: string): Promise<void> =>
  eventuallyPassing(() => expect(isSo(), what).toBe(true))

/** A server that listens already. */
export const listeningServer = async (
  definition: object,
  more: Partial<Extract<ConnectorConfig, { type: 'ws_server' }>> = {},
) => {
  const server = await running<WsServer>({ type: 'ws_server', definition, ...more })
  server.connector.start()
  await server.until(() => server.connector.state === 'connected', 'listening')
  const { url = '' } = server.connector.status()[0] ?? {}
  return { ...server, url, port: Number(new URL(url).port) }
}

export const serverDefinition = (config: object = {}, more: object = {}) => ({
  codec: 'json',
  config: { url: '127.0.0.1:0', ...config },
  ...more,
})
