import { isUnixMs } from '../../src/transports/peer/terms'
import { decimalText } from '../../src/util/decimal'
import { type VersiaEntity } from './entity'
import { isPlainObject } from './envelope'
import { unixMsOf } from './rfc3339'

const MAX_DIGITS = 60
/** Beside the digits, a sign and a point. */
const isDecimal = decimalText({ sign: '-', point: 'inside', maxCharacters: MAX_DIGITS + 2 })
const MAX_NAME = 256
const MAX_DECIMALS = 255

/** A price as a trusted signer sent it. */
export interface VersiaPrice {
  /** Of the entity that carries it: new for every observation. */
  readonly id: string
  readonly signedBy: string
  /** The sender's name of the feed, such as `ETH/USD`. */
  readonly feed: string
  readonly base: string | undefined
  readonly quote: string | undefined
  /** Decimal digits, exactly as they were sent. Only an endpoint turns them into a number. */
  readonly value: string
  readonly decimals: number | undefined
  /** When the price was seen, in Unix ms. */
  readonly observedAtUnixMs: number
  /** The entity itself, for fields of a sender's own. */
  readonly entity: VersiaEntity
}

/** `org.example:price_feeds/Price` names the entity; in the extensions of a Note the part before the slash does. */
export const extensionOf = (priceType: string): string => priceType.slice(0, priceType.lastIndexOf('/'))

/** The form of the name of a custom entity: a reversed domain, a name in snake case, an entity in Pascal case. */
export const isCustomType = (type: string): boolean =>
  /^(?!pub\.versia:)[a-z0-9-]+(?:\.[a-z0-9-]+)+:[a-z0-9_]+\/[A-Z][A-Za-z0-9]*$/.test(type)

/**
 * The price in an entity (versia-websocket 6.1): the entity itself, or a Note with an extension.
 *
 * @returns undefined for an entity that carries none, which is no fault; `malformed_entity` for one whose price cannot be read
 */
export const readPrice = (
  entity: VersiaEntity,
  signedBy: string,
  priceType: string,
): VersiaPrice | 'malformed_entity' | undefined => {
  const fields = fieldsOf(entity, priceType)
  if (fields === undefined) return undefined
  if (!isPlainObject(fields)) return 'malformed_entity'
  const { feed, base, quote, value, decimals, observed_at: observedAt } = fields
  const { id } = entity
  const observedAtUnixMs = unixMsOf(observedAt)
  if (id == null || !isName(feed) || !isDecimal(value)) return 'malformed_entity'
  if (!isNameOrNone(base) || !isNameOrNone(quote) || !isDecimalsOrNone(decimals)) return 'malformed_entity'
  if (observedAtUnixMs === undefined || !isUnixMs(observedAtUnixMs)) return 'malformed_entity'
  return {
    id,
    signedBy,
    feed,
    base: base ?? undefined,
    quote: quote ?? undefined,
    value,
    decimals: decimals ?? undefined,
    observedAtUnixMs,
    entity,
  }
}

const fieldsOf = (entity: VersiaEntity, priceType: string): unknown => {
  if (entity.type === priceType) return entity
  const extension = extensionOf(priceType)
  const extensions = entity.type === 'Note' ? entity.extensions : undefined
  return extensions != null && Object.hasOwn(extensions, extension) ? extensions[extension] : undefined
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_NAME

const isNameOrNone = (value: unknown): value is string | null | undefined => value == null || isName(value)

const isDecimalsOrNone = (value: unknown): value is number | null | undefined =>
  value == null || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_DECIMALS)
