import { beforeAll, describe, expect, it } from 'vitest'
import { LateThrows } from '../../src/service/late-throws'
import { type StartedAdapter } from '../../src/service/started-adapter'
import { asyncLocalStorage, LoggerFactoryProvider } from '../../src/util/logging'
import { OwnedStore } from '../../src/util/owner'

beforeAll(() => {
  LoggerFactoryProvider.set()
})

const adapterOf = (name: string, home?: string) => {
  const restarts: string[] = []
  const started = { adapter: { name, home }, restart: (because: string) => restarts.push(because) }
  return { started: started as unknown as StartedAdapter, restarts }
}

const thrownIn = (...files: string[]) => {
  const error = new Error('late')
  error.stack = ['Error: late', ...files.map((file) => `    at run (${file}:3:7)`)].join('\n')
  return error
}

describe('what is thrown late', () => {
  const setUp = () => {
    const late = new LateThrows()
    const outer = adapterOf('OUTER', '/app/adapters')
    const inner = adapterOf('INNER', '/app/adapters/inner')
    for (const { started } of [outer, inner]) late.add(started)
    return { late, outer: outer.restarts, inner: inner.restarts }
  }

  it.each<[string, string[], 'OUTER' | 'INNER' | undefined]>([
    ['a file in its folder', ['/app/adapters/inner/src/index.js'], 'INNER'],
    ['a file beside that', ['/app/adapters/other.js'], 'OUTER'],
    ['a folder whose name only begins alike', ['/app/adapters/inner-2/index.js'], 'OUTER'],
    ['an ES module', ['file:///app/adapters/inner/index.mjs'], 'INNER'],
    [
      'the innermost of its calls that is in a folder',
      ['node:events', '/lib/x.js', '/app/adapters/inner/a.js', '/app/adapters/b.js'],
      'INNER',
    ],
    ['nobody, in a package below its folder alone', ['/app/adapters/inner/node_modules/ws/ws.js'], undefined],
    ['nobody, elsewhere', ['/somewhere/index.js'], undefined],
  ])('IS-4: is laid to the adapter by %s', (_what, files, name) => {
    const { late, outer, inner } = setUp()
    late.hear(thrownIn(...files), 'exception')
    expect({ outer, inner }).toEqual({
      outer: name === 'OUTER' ? ['Uncaught exception: late'] : [],
      inner: name === 'INNER' ? ['Uncaught exception: late'] : [],
    })
  })

  it('IS-4: is laid to the adapter for which the code ran, where that is known, whatever was thrown', () => {
    const { late, outer, inner } = setUp()
    const store = new OwnedStore('x', 'INNER')
    for (const thrown of ['text', undefined, null, 5, thrownIn('/app/adapters/b.js')])
      asyncLocalStorage.run(store, () => late.hear(thrown, 'rejection'))
    expect(inner).toHaveLength(5)
    expect(outer).toEqual([])
  })

  it('IS-2: costs nobody where no adapter can be named, whatever was thrown', () => {
    const { late, outer, inner } = setUp()
    const odd = Object.create(null) as object
    for (const thrown of ['text', undefined, null, 5, Symbol('s'), odd, { stack: 7 }])
      late.hear(thrown, 'rejection')
    expect([...outer, ...inner]).toEqual([])
  })

  it('costs nobody where two adapters share the folder', () => {
    const { late, outer } = setUp()
    late.add(adapterOf('TWIN', '/app/adapters').started)
    late.hear(thrownIn('/app/adapters/b.js'), 'exception')
    expect(outer).toEqual([])
  })

  it('costs an adapter that has stopped nothing', () => {
    const late = new LateThrows()
    const { started, restarts } = adapterOf('OUTER', '/app')
    late.add(started)
    late.remove(started)
    late.hear(thrownIn('/app/b.js'), 'exception')
    expect(restarts).toEqual([])
  })
})
