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
    restarted: Type.Optional(
      Type.Array(
        Type.Object(
          {
            adapter: Type.String(),
            count: Type.Integer({ description: 'How often.' }),
            lastUnixMs: Type.Number(),
            because: Type.String({ description: 'What its code threw, without secrets.' }),
            nextUnixMs: Type.Optional(
              Type.Number({ description: 'When it begins again; absent while it runs.' }),
            ),
          },
          closed,
        ),
        { description: 'Adapters whose code threw what nobody handled, and which were restarted for that.' },
      ),
    ),
    stalls: Type.Optional(
      Type.Array(
        Type.Object(
          {
            process: Type.Integer({ description: 'Its process id.' }),
            endedUnixMs: Type.Number(),
            forMs: Type.Integer({ description: 'How long nothing was done.' }),
            count: Type.Integer({ description: 'How often that has happened.' }),
          },
          closed,
        ),
        { description: 'The last time that the event loop of a process stood still for more than a second.' },
      ),
    ),
  },
  {
    ...closed,
    description:
      'Whether the loops of the service go round: 200 where all do, 503 where one hangs. No provider, however ill, has a say in this.',
  },
)

export type LiveAnswer = Static<typeof LiveAnswer>
