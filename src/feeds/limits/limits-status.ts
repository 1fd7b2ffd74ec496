import { type Static, Type } from '@sinclair/typebox'

/** Loaded by what describes and checks, and by its type alone elsewhere. */

export const LimitsStatus = Type.Object(
  {
    rules: Type.Integer({ description: 'How many patterns of feeds have limits now.' }),
    source: Type.String({ description: 'The path of the file; `text` where the setting itself is JSON.' }),
    readUnixMs: Type.Number({ description: 'When the limits that hold were read.' }),
    lastError: Type.Optional(
      Type.String({ description: 'What is wrong with the file now, so that the limits before it go on.' }),
    ),
  },
  {
    additionalProperties: false,
    description: 'What the operator limits of single feeds: there where `FEED_LIMITS` is set.',
  },
)

/** What is in force of the limits of single feeds. */
export type LimitsStatus = Static<typeof LimitsStatus>
