import { AdapterInputError } from '../validation/errors'

const JSON_CONTENT = /^application\/json\s*(;|$)/i

/** @throws AdapterInputError for every content type but JSON. Parameters and letter case do not matter (contract 17.7) */
export const requireJson = (contentType: string | undefined): void => {
  if (contentType !== undefined && JSON_CONTENT.test(contentType)) return
  throw new AdapterInputError({
    statusCode: 400,
    message: 'Content type not "application/json", returning 400',
  })
}
