import { type Static, Type } from '@sinclair/typebox'
import { ReasonAnswer } from '../validation/error-answer'

/** Only code that describes or checks answers loads this file; other code imports its types. Answering a request does not need it. */

export const Timestamps = Type.Object(
  {
    providerDataRequestedUnixMs: Type.Optional(
      Type.Number({ description: 'When the value was asked for: of providers that are asked.' }),
    ),
    providerDataStreamEstablishedUnixMs: Type.Optional(
      Type.Number({ description: 'When the stream was opened that it came by: of providers that stream.' }),
    ),
    providerDataReceivedUnixMs: Type.Number({
      description: 'When the bytes of the value reached the service.',
    }),
    providerIndicatedTimeUnixMs: Type.Optional(
      Type.Number({ description: "The provider's own time for the value; absent where it gives none." }),
    ),
  },
  { description: 'All in Unix milliseconds. One of the first two is there.' },
)

export const AnswerMeta = Type.Object(
  {
    adapterName: Type.String({ description: 'In upper case.' }),
    transportName: Type.String({ description: 'How the value came.' }),
    rankedBy: Type.Optional(
      Type.Literal('receivedAt', {
        description:
          'Only where several transports have the feed, and this value has no usable time of the provider: it was compared with theirs by the time of its receipt.',
      }),
    ),
    metrics: Type.Optional(
      Type.Object({
        feedId: Type.Optional(Type.String({ description: 'What the feed is called in metrics.' })),
        cacheHit: Type.Optional(Type.Boolean({ description: 'Whether the value was there already.' })),
      }),
    ),
  },
  { description: 'Only where metrics are enabled.' },
)

/** Other members than these are allowed too, because an author's own members are kept (contract 6.4). */
export const ValueAnswer = Type.Object(
  {
    result: Type.Union([Type.Number(), Type.String(), Type.Null()], { description: 'The value.' }),
    data: Type.Unknown({
      description: 'The value again, and what else the endpoint says; its shape is the endpoint’s.',
    }),
    timestamps: Type.Optional(Timestamps),
    statusCode: Type.Integer({ description: 'The HTTP status.' }),
    meta: Type.Optional(AnswerMeta),
  },
  { description: 'A value.' },
)

export type ValueAnswer = Static<typeof ValueAnswer>

export const RefusalAnswer = Type.Object(
  {
    errorMessage: Type.String({ description: 'What is wrong with the feed.' }),
    statusCode: Type.Integer({ description: 'The HTTP status.' }),
    timestamps: Timestamps,
    meta: Type.Optional(AnswerMeta),
    reason: Type.Optional(ReasonAnswer),
  },
  {
    description:
      'What the data provider, or the adapter, says against a feed: kept like a value, and never in place of a live one.',
  },
)

export type RefusalAnswer = Static<typeof RefusalAnswer>
