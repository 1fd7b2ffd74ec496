import { isPlainObject } from './envelope'
import { ExcessiveJson, parseStrictJson } from './json-rules'
import { type VersiaVersion } from './reasons'
import { unixMsOf } from './rfc3339'
import { isAuthorOf, isEntityId } from './signed-by'

/** What was signed, once the signature has been found to be good. Fields that are not named here are as the sender wrote them. */
export interface VersiaEntity {
  readonly type: string
  readonly created_at: string
  readonly id?: string
  readonly author?: string | null
  readonly extensions?: Record<string, unknown> | null
  readonly [field: string]: unknown
}

/** Step 6 of the checks (versia-websocket 8). Never throws. */
export const readEntity = (
  text: string,
  signedBy: string,
  version: VersiaVersion,
): VersiaEntity | 'excessive' | 'malformed_entity' | 'wrong_author' => {
  const entity = parse(text, version)
  if (entity === 'excessive') return entity
  if (!isPlainObject(entity)) return 'malformed_entity'
  const { type, created_at: createdAt, id, extensions } = entity
  if (typeof type !== 'string' || type === '' || unixMsOf(createdAt) === undefined) return 'malformed_entity'
  if (id != null && !isEntityId(id, version)) return 'malformed_entity'
  if (extensions != null && !isPlainObject(extensions)) return 'malformed_entity'
  return isAuthorOf(entity['author'], signedBy, version)
    ? (entity as unknown as VersiaEntity)
    : 'wrong_author'
}

const parse = (text: string, version: VersiaVersion): unknown => {
  try {
    return parseStrictJson(text, version === '0.6' ? 'all' : 'duplicates')
  } catch (error) {
    return error instanceof ExcessiveJson ? 'excessive' : undefined
  }
}
