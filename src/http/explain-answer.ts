import { type Static, Type } from '@sinclair/typebox'
import { ConnectionStatus } from '../connections/connection-status'
import { ReasonAnswer } from '../validation/error-answer'

/** This schema is loaded only by code that describes or checks answers. Everything else imports its type alone. */

const closed = { additionalProperties: false }

const Shown = Type.Unknown({
  description:
    'As it is in the cache, without secrets; a text of its beginning where it is longer than 4 096 characters.',
})

const Value = Type.Object(
  {
    response: Shown,
    source: Type.Optional(Type.String({ description: 'The transport that it came by, where it is known.' })),
    receivedUnixMs: Type.Optional(Type.Number({ description: 'When its bytes reached the service.' })),
    indicatedUnixMs: Type.Optional(Type.Number({ description: "The provider's own time for it." })),
    ageMs: Type.Optional(Type.Number({ description: 'How old it is by its receipt, in ms.' })),
    ageByProviderMs: Type.Optional(Type.Number({ description: "The same by the provider's own time." })),
    lifeLeftMs: Type.Number({ description: 'How long it is still served, in ms; 0: it is over.' }),
  },
  closed,
)

const Subscription = Type.Object(
  {
    state: Type.String({
      description:
        '`wanted` (to be asked for), `sent`, `acknowledged`, `ticking`, `refused`, `leaving`; `polled` where each value is asked for.',
    }),
    sinceUnixMs: Type.Optional(Type.Number()),
    asked: Type.Optional(Type.Integer({ description: 'How often it was asked for without an answer.' })),
    isElsewhere: Type.Optional(
      Type.Boolean({
        description: 'It is on another connection than the one that is shown, or kept off it.',
      }),
    ),
  },
  closed,
)

const Record = Type.Object(
  {
    text: Type.String({ description: 'As the provider sent it, without secrets, 4 096 characters at most.' }),
    isCut: Type.Boolean(),
    receivedUnixMs: Type.Number(),
  },
  closed,
)

export const ExplainAnswer = Type.Object(
  {
    adapter: Type.String(),
    endpoint: Type.String(),
    feed: Type.String({ description: 'As `FEED_LIMITS` names it.' }),
    feedId: Type.String({ description: 'As metrics name it.' }),
    cacheKey: Type.String(),
    params: Type.Unknown({ description: 'Those of the request, checked and transformed.' }),
    state: Type.String({
      description:
        '`fresh`; else what a request is answered with: `error` (what the provider or the adapter says), `stale`, `refused`, `waiting` ' +
        '(nothing has come yet), `unwanted` (nobody asks for it).',
    }),
    reason: Type.Optional(ReasonAnswer),
    error: Type.Optional(Shown),
    lastGood: Type.Optional(Value),
    guards: Type.Object(
      {
        policy: Type.String({ description: '`enforce`, `report` or `off`.' }),
        declared: Type.Unknown({ description: 'What is looked at, of the endpoint and of the operator.' }),
        freshness: Type.Optional(Type.Unknown({ description: 'How long values are fresh.' })),
        limits: Type.Optional(Type.Unknown({ description: 'What `FEED_LIMITS` says of this feed.' })),
        last: Type.String({
          description:
            'What became of its last value: `none` (there was none), `accepted`, `flagged` or `refused`.',
        }),
        flags: Type.Optional(Type.Array(Type.String())),
        refusal: Type.Optional(ReasonAnswer),
        refused: Type.Record(Type.String(), Type.Number(), {
          description: 'How many values of all feeds of the endpoint were refused, by reason.',
        }),
      },
      closed,
    ),
    transports: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          isWanted: Type.Optional(Type.Boolean({ description: 'Whether somebody asked for it lately.' })),
          subscription: Type.Optional(Subscription),
          outage: Type.Optional(ReasonAnswer),
          connections: Type.Array(ConnectionStatus),
          record: Type.Optional(Record),
          records: Type.String({ description: 'Whether there is a record, and if not, how to get one.' }),
        },
        closed,
      ),
      { description: 'The transport of the feed, or all that it is made of.' },
    ),
  },
  { ...closed, description: 'Why a feed is answered as it is.' },
)

export type ExplainAnswer = Static<typeof ExplainAnswer>
