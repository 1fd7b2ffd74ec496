import { makeLogger } from '../../../src/util/logging'
import { serverKey } from '../admin-url'
import { AllowedTypes } from '../content-types'
import { TransferError } from '../errors'
import { Pull } from '../pull'
import { withServer } from '../server-lock'
import { lockOf, type PushServer, type SentDocument } from './push-transfer'

const logger = makeLogger('StrapiPush')

/**
 * Reads Strapi's content and says whether documents of a push are there: one is enough, since all were committed or none.
 *
 * @param server - with a token that has the `pull` permission
 * @throws TransferError when it could not be read to its end: then it is still unknown
 */
export const isCommitted = async (
  server: PushServer,
  documents: readonly SentDocument[],
  signal: AbortSignal,
): Promise<boolean> => {
  const typeOf = new Map(documents.map(({ type, documentId }) => [documentId, type]))
  return withServer(serverKey(server.adminUrl), lockOf(server), signal, async (hold) => {
    const pull = await Pull.open(server, hold)
    try {
      let isThere = false
      for await (const rows of pull.entities(new AllowedTypes(typeOf.values())))
        isThere ||= rows.some(({ type, data }) => typeOf.get(data.documentId as string) === type)
      // The document that we look for may be among those that were left out.
      if (!isThere && pull.warnings > 0)
        throw new TransferError('loss-warning', 'Strapi left out something of its content', {
          said: pull.lastWarning,
        })
      await pull.finish().catch((err: unknown) => logger.debug({ err }, 'The farewell of a pull failed'))
      return isThere
    } finally {
      pull.abandon()
    }
  })
}
