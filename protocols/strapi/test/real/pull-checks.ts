import { createHash } from 'node:crypto'
import { AllowedTypes, Pull } from '../..'
import { type Frame, frameOf, labelOf, readTrace } from '../push-peer'
import { type Checks, equal, isTrue } from './checks'
import { PRICE, RATE, rowsOf, TOKENS, VENUE } from './content'
import { Relay, type Relayed } from './relay'
import { type StrapiServer } from './server'

const TYPES = new AllowedTypes([PRICE, VENUE, RATE, 'plugin::upload.file'])
const never = () => new AbortController().signal

const countBy = (names: string[]) =>
  Object.fromEntries([...new Set(names)].map((name) => [name, names.filter((one) => one === name).length]))

const framesOf = (frames: readonly Relayed[], direction: Relayed['direction']): Frame[] =>
  frames.filter((frame) => frame.direction === direction).map(({ text }) => JSON.parse(text) as Frame)

/** The members of a frame and of its `data`: what must be as it was when it was recorded. */
const shapeOf = (frame: Frame): string => {
  const { data } = frame as { data?: object | null }
  const inner =
    typeof data === 'object' && data !== null && 'ended' in data ? Object.keys(data).sort().join(' ') : ''
  return `${Object.keys(frame).sort().join(' ')}${inner && ` (${inner})`}`
}

const isBatch = (frame: Frame): boolean => shapeOf(frame).includes('ended')

/** Requests by what they are about, each with its members. */
const requestsOf = (frames: readonly Frame[]) =>
  frames
    .filter((frame) => labelOf(frame) !== undefined)
    .map((frame) => ({ label: labelOf(frame)!, members: Object.keys(frame).sort() }))

export const checkPull = async (checks: Checks, server: StrapiServer): Promise<void> => {
  const relay = await new Relay(() => server.url).ready()
  const options = { adminUrl: relay.adminUrl, token: TOKENS.pull }
  try {
    await checks.check('pull: all four stages, with checksums', async () => {
      const pull = await Pull.open(options, never())
      const { version } = await pull.getMetadata()
      equal(version, '5.54.0', 'the version')
      const schemas = await pull.getSchemas()
      isTrue(
        [PRICE, VENUE, RATE, 'feed.bounds'].every((uid) => uid in schemas),
        'a schema is missing',
      )
      const types: string[] = []
      for await (const rows of pull.entities(TYPES)) types.push(...rows.map(({ type }) => type))
      equal(countBy(types), { 'plugin::upload.file': 2, [RATE]: 5, [PRICE]: 50, [VENUE]: 3 }, 'the rows')
      const kinds: string[] = []
      for await (const events of pull.assets()) kinds.push(...events.map(({ is }) => is))
      equal({ starts: countBy(kinds).start, ends: countBy(kinds).end }, { starts: 2, ends: 2 }, 'the files')
      let links = 0
      for await (const batch of pull.links(TYPES)) links += batch.length
      isTrue(links >= 50, `there are ${links} links`)
      let settings = 0
      for await (const batch of pull.configuration(new Set(['plugin_upload_settings'])))
        settings += batch.length
      equal(settings, 1, 'the settings')
      equal(pull.warnings, 0, 'the warnings')
      await pull.finish()
    })

    const recorded = readTrace('official-client-pull-trace')
    await checks.check("pull: asks in the order and with the members of Strapi's own client", async () => {
      const theirs = requestsOf(recorded.filter(({ dir }) => dir === 'c2s').map(frameOf))
      const ours = requestsOf(framesOf(relay.frames, 'c2s'))
      const known = new Map(theirs.map(({ label, members }) => [label, members]))
      for (const { label, members } of ours) {
        // It leaves without `end`.
        if (label === 'end') continue
        equal(
          members.filter((name) => name !== 'params'),
          known.get(label)?.filter((name) => name !== 'params'),
          label,
        )
      }
      const places = ours
        .map(({ label }) => theirs.findIndex((other) => other.label === label))
        .filter((n) => n >= 0)
      equal(places.length, ours.length - 1, 'the number of requests that both make')
      const firstStep = ours.findIndex(({ label }) => label.startsWith('start'))
      equal(
        places.slice(0, firstStep),
        places.slice(0, firstStep).sort((a, b) => a - b),
        'the order before the stages',
      )
    })

    await checks.check('pull: the server answers and sends batches in the recorded shapes', async () => {
      const shapes = (frames: Frame[]) => [...new Set(frames.map(shapeOf))].sort()
      equal(
        shapes(framesOf(relay.frames, 's2c')),
        shapes(
          readTrace('pull-trace')
            .filter(({ dir }) => dir === 's2c')
            .map(frameOf),
        ),
        'the shapes of its frames',
      )
    })

    await checks.check('pull: rows hold what was written, and drafts are told apart', async () => {
      const rows = await rowsOf(options)
      const price = rows.find(
        ({ type, data }) => type === PRICE && data.base === 'BTC' && data.quote === 'CHF',
      )
      equal(
        price?.data.bounds,
        { id: (price?.data.bounds as { id: number }).id, min: 1, max: 100000.5 },
        'its component',
      )
      const rates = rows.filter(({ type }) => type === RATE)
      equal(
        rates
          .map(({ data }) => `${data.symbol as string} ${data.rate as number} ${data.publishedAt === null}`)
          .sort(),
        ['DAI 0.9123 true', 'DAI 0.9998 false', 'FRAX 0.997 true', 'USDC 1 false', 'USDC 1 true'],
      )
    })

    await checks.check(
      'pull: a frame that is cut off in the middle of a stage leaves nothing behind',
      async () => {
        relay.judge = ({ direction, text }) =>
          direction === 's2c' && isBatch(JSON.parse(text) as Frame) ? 'cut' : 'pass'
        const reason = await rowsOf(options).then(
          () => 'none',
          (error: { reason?: string }) => error.reason,
        )
        equal(reason, 'connection-lost')
        relay.judge = () => 'pass'
        equal((await rowsOf(options)).length, 58, 'the rows of the next pull')
      },
    )
  } finally {
    await relay.stop()
  }
}

/** Files come out as they went in. */
export const checkFiles = (checks: Checks, adminUrl: string): Promise<void> =>
  checks.check('pull: a file has the bytes that were uploaded', async () => {
    const pull = await Pull.open({ adminUrl, token: TOKENS.both }, never())
    const hashes: string[] = []
    let hash = createHash('sha256')
    for await (const events of pull.assets())
      for (const event of events) {
        if (event.is === 'start') hash = createHash('sha256')
        else if (event.is === 'chunk') hash.update(event.data)
        else hashes.push(hash.digest('hex'))
      }
    await pull.finish()
    const expected = [
      Buffer.from('thirty-two bytes, no more, less\n'),
      Buffer.alloc(150_000, 'abcdefghijklmnopqrstuvwxyz'),
    ]
    equal(
      hashes,
      expected.map((file) => createHash('sha256').update(file).digest('hex')),
      'their hashes',
    )
  })
