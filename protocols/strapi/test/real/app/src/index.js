const { mkdtemp, rm, writeFile } = require('node:fs/promises')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

/** Known beforehand, so that tests need no admin panel. */
const TOKENS = [
  { name: 'both', permissions: ['push', 'pull'] },
  { name: 'pull', permissions: ['pull'] },
  { name: 'push', permissions: ['push'] },
  { name: 'expired', permissions: ['push', 'pull'], hasExpired: true },
]

async function createTokens(strapi) {
  const { token } = strapi.service('admin::transfer')
  for (const { name, permissions, hasExpired } of TOKENS) {
    if (await token.exists({ name })) continue
    const accessKey = `test-transfer-token-${name}`
    const { id } = await token.create({ name, description: name, permissions, lifespan: null, accessKey })
    if (hasExpired)
      await strapi.db
        .query('admin::transfer-token')
        .update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1_000).toISOString() } })
  }
}

const BASES = ['BTC', 'ETH', 'SOL', 'ADA', 'DOT', 'LTC', 'XRP', 'AVAX', 'LINK', 'ATOM']
const QUOTES = ['USD', 'EUR', 'GBP', 'JPY', 'CHF']

async function createPrices(strapi, venues) {
  const prices = BASES.flatMap((base) => QUOTES.map((quote) => ({ base, quote })))
  for (const [place, { base, quote }] of prices.entries()) {
    await strapi.documents('api::price.price').create({
      data: {
        base,
        quote,
        value: 1000 + 12.3456789 * (place + 1),
        observedAt: new Date(Date.UTC(2025, 0, 1, 0, place + 1)).toISOString(),
        volume: String(1_000_000 + place),
        tags: place % 10 === 0 ? ['round'] : null,
        bounds: place % 5 === 4 ? { min: 1, max: 100000.5 } : null,
        venue: venues[place % venues.length].documentId,
      },
    })
  }
}

async function createRates(strapi) {
  const rates = strapi.documents('api::asset-rate.asset-rate')
  const effectiveFrom = '2025-01-01T00:00:00.000Z'
  const usdc = await rates.create({ data: { symbol: 'USDC', rate: 1, effectiveFrom } })
  await rates.publish({ documentId: usdc.documentId })
  const dai = await rates.create({ data: { symbol: 'DAI', rate: 0.9998, effectiveFrom } })
  await rates.publish({ documentId: dai.documentId })
  // Changed after publishing: its draft and its published row differ.
  await rates.update({ documentId: dai.documentId, data: { rate: 0.9123 } })
  await rates.create({ data: { symbol: 'FRAX', rate: 0.997, effectiveFrom } })
}

async function upload(strapi, name, mimetype, content) {
  const folder = await mkdtemp(join(tmpdir(), 'strapi-upload-'))
  try {
    const filepath = join(folder, name)
    await writeFile(filepath, content)
    const files = { filepath, originalFilename: name, mimetype, size: content.length }
    const [file] = await strapi.plugin('upload').service('upload').upload({ data: {}, files })
    return file
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function createContent(strapi) {
  const create = (name) => strapi.documents('api::venue.venue').create({ data: { name } })
  const venues = [await create('alpha'), await create('beta'), await create('gamma')]
  await createPrices(strapi, venues)
  await createRates(strapi)
  const logos = [
    await upload(strapi, 'note.txt', 'text/plain', Buffer.from('thirty-two bytes, no more, less\n')),
    await upload(
      strapi,
      'blob-150k.bin',
      'application/octet-stream',
      Buffer.alloc(150_000, 'abcdefghijklmnopqrstuvwxyz'),
    ),
  ]
  for (const [place, { id }] of logos.entries())
    await strapi
      .documents('api::venue.venue')
      .update({ documentId: venues[place].documentId, data: { logo: id } })
}

module.exports = {
  register() {},
  async bootstrap({ strapi }) {
    await createTokens(strapi)
    const hasContent = (await strapi.db.query('api::price.price').count()) > 0
    if (!hasContent) await createContent(strapi)
  },
}
