import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Direction, STAGES } from '../frames'
import { type LifecycleEvent, type LifecycleState, nextState, OPENED } from '../lifecycle'

const walk = (direction: Direction, ...events: LifecycleEvent[]): LifecycleState | undefined =>
  events.reduce<LifecycleState | undefined>(
    (state, event) => state && nextState(state, event, direction),
    OPENED,
  )

const ready: LifecycleEvent[] = [{ type: 'init' }, { type: 'bootstrap' }]
const stage = (name: (typeof STAGES)[number]): LifecycleEvent[] => [
  { type: 'start', stage: name },
  { type: 'end-stage', stage: name },
]

describe('the life of a transfer', () => {
  it('leads a pull from init to end, with stages in any order and again', () => {
    const stages = [...stage('links'), ...stage('entities'), ...stage('entities')]
    expect(walk('pull', ...ready, ...stages, { type: 'close' }, { type: 'end' })).toEqual({ at: 'ended' })
  })

  it('has schemas and metadata from bootstrap on, in the middle of a stage too', () => {
    expect(walk('pull', { type: 'init' }, { type: 'getSchemas' })).toBeUndefined()
    expect(
      walk(
        'pull',
        ...ready,
        { type: 'getSchemas' },
        { type: 'start', stage: 'links' },
        { type: 'getMetadata' },
      ),
    ).toMatchObject({ at: 'streaming' })
  })

  it.each<[string, LifecycleEvent[]]>([
    ['bootstrap before init', [{ type: 'bootstrap' }]],
    ['init twice', [{ type: 'init' }, { type: 'init' }]],
    ['beforeTransfer', [...ready, { type: 'beforeTransfer' }]],
    ['rollback', [...ready, { type: 'rollback' }]],
    ['stream', [...ready, { type: 'start', stage: 'links' }, { type: 'stream', stage: 'links' }]],
    ['two stages at once', [...ready, { type: 'start', stage: 'links' }, { type: 'start', stage: 'assets' }]],
    [
      'the end of another stage',
      [...ready, { type: 'start', stage: 'links' }, { type: 'end-stage', stage: 'assets' }],
    ],
    ['end before close', [...ready, { type: 'end' }]],
    ['anything after close', [...ready, { type: 'close' }, { type: 'getMetadata' }]],
  ])('has no place in a pull for %s', (_what, events) => {
    expect(walk('pull', ...events)).toBeUndefined()
  })

  it('lets a push skip stages, begin one again and never go back', () => {
    expect(
      walk(
        'push',
        ...ready,
        { type: 'beforeTransfer' },
        ...stage('entities'),
        ...stage('entities'),
        ...stage('links'),
      ),
    ).toMatchObject({ at: 'ready' })
    expect(walk('push', ...ready, ...stage('links'), { type: 'start', stage: 'entities' })).toBeUndefined()
    expect(walk('push', ...ready, ...stage('entities'), { type: 'beforeTransfer' })).toBeUndefined()
    expect(walk('push', ...ready, { type: 'beforeTransfer' }, { type: 'beforeTransfer' })).toBeUndefined()
  })

  const event: fc.Arbitrary<LifecycleEvent> = fc.oneof(
    fc.constantFrom<LifecycleEvent>(
      ...(
        [
          'init',
          'bootstrap',
          'getMetadata',
          'getSchemas',
          'beforeTransfer',
          'rollback',
          'close',
          'end',
          'fail',
        ] as const
      ).map((type) => ({ type })),
    ),
    fc.record({
      type: fc.constantFrom('start', 'stream', 'end-stage'),
      stage: fc.constantFrom(...STAGES),
    }) as fc.Arbitrary<LifecycleEvent>,
  )

  it.each<Direction>(['pull', 'push'])(
    'whatever is tried in a %s: `end` only after `close` or `rollback`, at most one of those, nothing after a failure',
    (direction) => {
      fc.assert(
        fc.property(fc.array(event, { maxLength: 60 }), (events) => {
          let state = OPENED
          const done: string[] = []
          for (const one of events) {
            const next = nextState(state, one, direction)
            if (next === undefined) continue
            if (state.at === 'failed') expect(next).toEqual({ at: 'failed' })
            if (one.type === 'end')
              expect(done).toSatisfy((all: string[]) => all.includes('close') || all.includes('rollback'))
            done.push(one.type)
            state = next
          }
          expect(done.filter((type) => type === 'close' || type === 'rollback').length).toBeLessThanOrEqual(1)
        }),
      )
    },
  )
})
