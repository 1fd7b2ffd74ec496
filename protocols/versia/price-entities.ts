import { randomUUID } from 'node:crypto'
import { type VersiaEntity } from './entity'
import { extensionOf, readPrice } from './price'
import { type VersiaVersion } from './reasons'

/** One observation of a price, to be sent. */
export interface PriceObservation {
  /** Name of the feed, such as `ETH/USD`. */
  feed: string
  base: string
  quote: string
  /** A decimal as text, such as `3150.25`: no exponent. */
  value: string
  /** How many decimals the value is meant to have. Default: not said. */
  decimals?: number
  /** When the price was seen, in Unix ms. */
  observedAtUnixMs: number
  /** In 0.6 `id` or `domain:id`; before that the URI of the signing user, or null for an instance. */
  author: string | null
  /** New for every observation. Default: a random UUID. */
  id?: string
  /** Where the entity can be found; wanted before 0.6, where it must be absolute. */
  uri?: string
}

export interface PriceForm {
  /** Such as `org.example:price_feeds/Price`; the domain is to be one's own. */
  priceType: string
  version: VersiaVersion
}

/**
 * A price as an entity of its own (versia-websocket 6.1).
 *
 * @throws Error when a reader could not read it
 */
export const priceEntity = (of: PriceObservation, form: PriceForm): VersiaEntity =>
  readable({ type: form.priceType, ...commonFields(of, form), ...priceFields(of) }, form)

/**
 * A price as a Note with an extension, which also travels through instances that know nothing of prices.
 *
 * @throws Error when a reader could not read it
 */
export const priceNote = (of: PriceObservation, form: PriceForm): VersiaEntity => {
  const content = { 'text/plain': { content: `${of.feed} ${of.value}`, remote: false } }
  const extensions = { [extensionOf(form.priceType)]: priceFields(of) }
  const note = { type: 'Note', ...commonFields(of, form), content, group: 'public', extensions }
  // What 0.6 wants of every Note.
  const lists = { attachments: [], is_sensitive: false, mentions: [], previews: [] }
  return readable(form.version === '0.6' ? { ...note, ...lists } : note, form)
}

const commonFields = (
  { id = randomUUID(), author, uri, observedAtUnixMs }: PriceObservation,
  { version }: PriceForm,
) => ({
  id,
  author,
  created_at: new Date(observedAtUnixMs).toISOString(),
  // Left out before 0.6; a null in 0.6, where the page of the entities asks for it.
  ...(version === '0.6' ? { extensions: null } : uri === undefined ? {} : { uri }),
})

const priceFields = ({ feed, base, quote, value, decimals, observedAtUnixMs }: PriceObservation) => ({
  feed,
  base,
  quote,
  value,
  ...(decimals === undefined ? {} : { decimals }),
  observed_at: new Date(observedAtUnixMs).toISOString(),
})

const readable = (entity: VersiaEntity, { priceType }: PriceForm): VersiaEntity => {
  if (typeof readPrice(entity, '', priceType) !== 'object') throw new Error('Not a price that could be read')
  return entity
}
