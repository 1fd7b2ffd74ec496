import { type Static, Type } from '@sinclair/typebox'

/** Only code that describes or checks answers loads this file; other code imports its type. */

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

/** The limits of single feeds that are used now. */
export type LimitsStatus = Static<typeof LimitsStatus>
