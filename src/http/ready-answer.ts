import { type Static, Type } from '@sinclair/typebox'
import { ReasonAnswer } from '../validation/error-answer'

/** This schema is loaded only by code that describes or checks answers. Everything else imports its type alone. */

const closed = { additionalProperties: false }

export const ReadyAnswer = Type.Object(
  {
    status: Type.Union([
      Type.Literal('ready'),
      Type.Literal('starting'),
      Type.Literal('stopping'),
      Type.Literal('not-ready'),
    ]),
    essential: Type.Object(
      {
        feeds: Type.Integer({ description: 'How many feeds are essential now.' }),
        fresh: Type.Integer({ description: 'How many of them have a value to serve.' }),
        missing: Type.Array(
          Type.Object(
            { feed: Type.String({ description: 'As `FEED_LIMITS` names it.' }), reason: ReasonAnswer },
            closed,
          ),
          { description: 'Those that have none, 100 at most.' },
        ),
      },
      { ...closed, description: 'What `READY_ESSENTIAL_FEEDS` and the authors of adapters declare.' },
    ),
    endpoints: Type.Array(
      Type.Object(
        {
          adapter: Type.String(),
          endpoint: Type.String(),
          wanted: Type.Integer({ description: 'How many feeds somebody asked for lately.' }),
          fresh: Type.Integer({ description: 'How many of them have a value to serve.' }),
          share: Type.Optional(
            Type.Number({ description: 'The part of them, 0 to 1; absent where nothing is wanted.' }),
          ),
          minShare: Type.Optional(
            Type.Number({
              description: 'What it must be at least: where `READY_MIN_FRESH_SHARE` is above 0.',
            }),
          ),
        },
        closed,
      ),
      { description: 'Those with the smallest share first, 100 at most.' },
    ),
    writer: Type.Optional(ReasonAnswer),
    silent: Type.Optional(
      Type.Array(
        Type.Object(
          {
            process: Type.String({ description: 'Such as `worker-1`.' }),
            sinceUnixMs: Type.Number({ description: 'When it answered last.' }),
          },
          closed,
        ),
        {
          description:
            'Of several processes, those that do not answer their supervisor. They have no say: each is replaced soon, and gets no new connection.',
        },
      ),
    ),
  },
  {
    ...closed,
    description:
      'Whether requests should be sent here: 200 where the status is `ready`, else 503. `writer` is why this worker knows only what its own ' +
      'clients want.',
  },
)

export type ReadyAnswer = Static<typeof ReadyAnswer>
