import { isCommitted, type PushContent, type PushMode, type PushRow, pushToStrapi } from '../..'
import { type Frame, labelOf } from '../push-peer'
import { type Checks, equal, isTrue } from './checks'
import { PRICE, pricesIn, RATE, rowsOf, TOKENS, VENUE } from './content'
import { Relay, type Verdict } from './relay'
import { type StrapiServer } from './server'

const never = () => new AbortController().signal

const price = (base: string, value: string, rest: object = {}): PushRow => ({
  type: PRICE,
  attributes: { base, quote: 'USD', value, observedAt: '2026-01-02T03:04:05.678Z', ...rest },
})
const matching = (...bases: string[]): PushMode => ({
  kind: 'replace-matching',
  type: PRICE,
  matches: bases.map((base) => ({ base, quote: 'USD' })),
})
const APPEND: PushMode = { kind: 'append' }

export const checkPush = async (checks: Checks, server: StrapiServer): Promise<void> => {
  const relay = await new Relay(() => server.url).ready()
  const options = { adminUrl: relay.adminUrl, token: TOKENS.both, owner: 'checks' }
  const rows = () => rowsOf({ adminUrl: server.adminUrl, token: TOKENS.pull })
  const push = (content: PushContent, mode: PushMode, rest: object = {}, signal = never()) =>
    pushToStrapi({ ...options, ...rest }, content, mode, signal)
  const committed = async (content: PushContent, mode: PushMode) => {
    const outcome = await push(content, mode)
    equal(
      outcome.kind,
      'committed',
      outcome.kind === 'committed'
        ? 'the outcome'
        : `the outcome (${outcome.error.message}; ${outcome.error.said})`,
    )
    return outcome.kind === 'committed' ? outcome.documents : []
  }
  /** Reacts to one request of the client, once. */
  const once = (label: string, verdict: Verdict) => {
    relay.judge = ({ direction, text }) => {
      if (direction !== 'c2s' || labelOf(JSON.parse(text) as Frame) !== label) return 'pass'
      relay.judge = () => 'pass'
      return verdict
    }
  }
  const unchanged = async (work: () => Promise<{ kind: string }>) => {
    const before = pricesIn(await rows())
    equal((await work()).kind, 'unchanged')
    equal(pricesIn(await rows()), before, 'the prices afterwards')
  }

  try {
    await checks.check('push: appends, and leaves all other rows', async () => {
      const before = pricesIn(await rows())
      const documents = await committed({ rows: [price('NEW', '1.5'), price('NEW', '0.0000001')] }, APPEND)
      equal(pricesIn(await rows()), [...before, 'NEW/USD 1.5', 'NEW/USD 1e-7'].sort(), 'the prices')
      equal(await isCommitted(options, documents, never()), true, 'the look-up')
    })

    await checks.check('push: a row stands in Strapi as it was sent, and is read back whole', async () => {
      await committed(
        {
          rows: [
            price('ROW', '12.25', {
              volume: '42',
              tags: ['a', { b: 1 }],
              halted: true,
              bounds: { min: '0.5', max: 2 },
            }),
          ],
        },
        APPEND,
      )
      const row = (await rows()).find(({ data }) => data.base === 'ROW')
      const { documentId, createdAt, updatedAt, publishedAt, bounds, ...data } = row?.data ?? {}
      equal(data, {
        base: 'ROW',
        quote: 'USD',
        value: 12.25,
        observedAt: '2026-01-02T03:04:05.678Z',
        volume: '42',
        tags: ['a', { b: 1 }],
        halted: true,
        locale: null,
      })
      isTrue(/^[a-z][a-z0-9]{23}$/.test(String(documentId)), 'its identity is odd')
      isTrue(
        [createdAt, updatedAt, publishedAt].every((time) => Number.isFinite(Date.parse(String(time)))),
        'a time is missing',
      )
      equal({ ...(bounds as object), id: 0 }, { id: 0, min: 0.5, max: 2 }, 'its component')
    })

    await checks.check('push: replaces the rows that match, and no others', async () => {
      const before = pricesIn(await rows()).filter((text) => !/^(NEW|ETH)\/USD/.test(text))
      await committed({ rows: [price('NEW', '2'), price('ETH', '3')] }, matching('NEW', 'ETH'))
      equal(pricesIn(await rows()), [...before, 'ETH/USD 3', 'NEW/USD 2'].sort(), 'the prices')
    })

    await checks.check('push: a filter of four hundred alternatives is taken', async () => {
      const bases = Array.from({ length: 400 }, (_, n) => `MANY${n}`)
      await committed({ rows: bases.map((base) => price(base, '1')) }, matching(...bases))
      await committed({ rows: bases.map((base) => price(base, '2')) }, matching(...bases))
      const many = pricesIn(await rows()).filter((text) => text.startsWith('MANY'))
      equal([many.length, many.every((text) => text.endsWith(' 2'))], [400, true])
    })

    await checks.check('push: drafts and published rows of a type that has both', async () => {
      await committed({ rows: [{ type: RATE, attributes: { symbol: 'PUSHED', rate: '0.5' } }] }, APPEND)
      const pair = (await rows()).filter(({ type, data }) => type === RATE && data.symbol === 'PUSHED')
      equal(pair.map(({ data }) => data.publishedAt === null).sort(), [false, true])
      equal(new Set(pair.map(({ data }) => data.documentId)).size, 1, 'the number of their identities')
    })

    await checks.check('push: rejects locally what the server would have taken', () =>
      unchanged(() => push({ rows: [{ type: PRICE, attributes: { base: 'ONLY' } }] }, APPEND)),
    )
    await checks.check('push: is undone when the connection is cut in the middle', () =>
      unchanged(() => {
        once('end entities', 'cut')
        return push({ rows: [price('CUT', '1')] }, { kind: 'replace-types', types: [PRICE] })
      }),
    )
    await checks.check('push: is undone when it is stopped in the middle', () =>
      unchanged(() => {
        const stop = new AbortController()
        relay.judge = ({ text }) => {
          if (text.includes('"stream"')) stop.abort()
          return 'pass'
        }
        return push(
          { rows: [price('STOP', '1')] },
          { kind: 'replace-types', types: [PRICE] },
          {},
          stop.signal,
        )
      }),
    )
    relay.judge = () => 'pass'

    await checks.check('push: two at once take turns', async () => {
      relay.mostOpen = 0
      const [first, second] = await Promise.all([
        push({ rows: [price('TURN', '1')] }, APPEND, { owner: 'one' }),
        push({ rows: [price('TURN', '2')] }, APPEND, { owner: 'two' }),
      ])
      equal([first.kind, second.kind, relay.mostOpen], ['committed', 'committed', 1])
      equal(pricesIn(await rows(), 'TURN'), ['TURN/USD 1', 'TURN/USD 2'])
    })

    for (const [verdict, isThere] of [
      ['cut', false],
      ['cut-after', true],
    ] as const)
      await checks.check(
        `push: of unknown outcome is looked up, and was ${isThere ? '' : 'not '}committed`,
        async () => {
          once('close', verdict)
          const outcome = await push({ rows: [price(`DOUBT${isThere}`, '1')] }, APPEND)
          equal(outcome.kind, 'unknown')
          const documents = outcome.kind === 'unknown' ? outcome.documents : []
          equal(await isCommitted(options, documents, never()), isThere, 'the look-up')
          equal(pricesIn(await rows(), `DOUBT${isThere}`).length, isThere ? 1 : 0, 'the number of rows')
        },
      )

    await checks.check('push: the token decides', async () => {
      for (const [token, reason] of [
        [TOKENS.pull, 'token-not-permitted'],
        [TOKENS.expired, 'token-expired'],
        ['wrong-token-wrong-token', 'token-refused'],
      ]) {
        // Not over the relay, which has no refusals to pass on.
        const direct = { adminUrl: server.adminUrl, token }
        const outcome = await push({ rows: [price('TOKEN', '1')] }, APPEND, direct)
        equal(outcome.kind === 'unchanged' && outcome.error.reason, reason)
      }
    })

    await checks.check(
      'push: is undone when the server is killed in the middle, and goes through when it is back',
      async () => {
        const before = pricesIn(await rows())
        const content = { rows: [price('KILL', '1')] }
        let killed: Promise<void> | undefined
        relay.judge = ({ text }) => {
          if (text.includes('"stream"')) killed ??= server.kill()
          return 'pass'
        }
        const outcome = await push(content, { kind: 'replace-types', types: [PRICE] })
        relay.judge = () => 'pass'
        await killed
        equal(
          [outcome.kind, outcome.kind === 'unchanged' && outcome.error.reason],
          ['unchanged', 'connection-lost'],
        )
        await server.start()
        equal(pricesIn(await rows()), before, 'the prices after the restart')
        await committed(content, APPEND)
      },
    )

    await checks.check(
      'push: replaces all rows of listed types, with links, and leaves the others',
      async () => {
        const rates = (await rows()).filter(({ type }) => type === RATE).length
        const venue: PushRow = { type: VENUE, attributes: { name: 'alpha' } }
        const prices = [price('BTC', '65000.5'), price('ETH', '3000')]
        const links = prices.map((from) => ({ from, field: 'venue', to: venue }))
        await committed({ rows: [venue, ...prices], links }, { kind: 'replace-types', types: [PRICE, VENUE] })
        const after = await rows()
        equal(pricesIn(after), ['BTC/USD 65000.5', 'ETH/USD 3000'], 'the prices')
        equal(
          after.filter(({ type }) => type === VENUE).map(({ data }) => data.name),
          ['alpha'],
          'the venues',
        )
        equal(after.filter(({ type }) => type === RATE).length, rates, 'the number of rates')
      },
    )

    await checks.check('push: the server answers others at once afterwards', async () => {
      const answer = await fetch(`${server.url}/_health`)
      equal(answer.status, 204)
      isTrue((await rows()).length > 0, 'nothing can be read')
    })
  } finally {
    await relay.stop()
  }
}
