/** A process of an adapter whose author was helped by no types: expose.test.ts runs it. */
import { expose } from '../../src/public'
import { Adapter, AdapterEndpoint } from '../../src/public/adapter'
import { WebSocketTransport } from '../../src/public/transports'

const transport = new WebSocketTransport({ url: 'ws://127.0.0.1:9', handlers: {} } as never)

void expose(new Adapter({ name: 'MISTAKEN', endpoints: [new AdapterEndpoint({ name: 'price', transport })] }))
