import { type Static, Type } from '@sinclair/typebox'

/** This schema is loaded only by code that describes or checks answers. Everything else imports its type alone. */

const closed = { additionalProperties: false }

export const LiveAnswer = Type.Object(
  {
    status: Type.Union([Type.Literal('live'), Type.Literal('hanging')]),
    loops: Type.Integer({ description: 'How many loops are watched.' }),
    hanging: Type.Array(
      Type.Object(
        {
          loop: Type.String({ description: 'What hangs.' }),
          sinceUnixMs: Type.Number({ description: 'When it went round last.' }),
          withinMs: Type.Number({ description: 'How long going round once may take.' }),
        },
        closed,
      ),
      { description: 'The loops that hang.' },
    ),
  },
  {
    ...closed,
    description:
      'Whether the loops of the service go round: 200 where all do, 503 where one hangs. No provider, however ill, has a say in this.',
  },
)

export type LiveAnswer = Static<typeof LiveAnswer>
