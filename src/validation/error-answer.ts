import { type Static, Type } from '@sinclair/typebox'

/** These schemas are loaded only by code that describes or checks answers. Everything else imports their types alone. */

export const reasonClasses = [
  'input',
  'auth',
  'quota',
  'symbol',
  'provider',
  'network',
  'timeout',
  'decode',
  'guard',
  'stale',
  'market-closed',
  'capacity',
  'starting',
  'internal',
  'poison',
  'clock',
] as const

const ReasonClass = Type.Union(
  reasonClasses.map((one) => Type.Literal(one)),
  { description: 'What kind of thing is wrong: one of a closed list.' },
)

/** What kind of thing is wrong (ER-1). The list is closed, so that code which reads it can handle each class. */
export type ReasonClass = (typeof reasonClasses)[number]

/** Why there is no value, as all answers have it: `error.reason`, the `reason` beside a cached error, and on the pages. */
export const ReasonAnswer = Type.Object(
  {
    code: Type.String({
      description: 'A stable name of the cause: see the codes of causes. Authors may use codes of their own.',
    }),
    class: ReasonClass,
    message: Type.String({ description: 'The same for people. Neither secrets nor URLs with queries.' }),
    sinceUnixMs: Type.Integer({ description: 'Since when it has been so.' }),
    nextAttemptUnixMs: Type.Optional(
      Type.Integer({ description: 'When the next try is planned, if one is.' }),
    ),
  },
  { additionalProperties: false, description: 'Why there is no value to answer with.' },
)

/** Why there is no value to answer with, as clients get it. */
export type ReasonAnswer = Static<typeof ReasonAnswer>

/** The same inside the service. */
export type Reason = Omit<ReasonAnswer, 'class'> & {
  /** Where its code does not tell. */
  class?: ReasonClass
}

export const ErrorAnswer = Type.Object(
  {
    status: Type.String({ description: '`errored`.' }),
    statusCode: Type.Integer({ description: 'The HTTP status.' }),
    providerStatusCode: Type.Optional(
      Type.Integer({ description: 'The status that the data provider answered with.' }),
    ),
    error: Type.Object(
      {
        name: Type.String({ description: '`AdapterError`, or a kind of it that has a name of its own.' }),
        message: Type.String({ description: 'What is wrong.' }),
        url: Type.Optional(Type.String({ description: 'What was asked of the data provider.' })),
        errorResponse: Type.Optional(Type.Unknown({ description: 'What the data provider answered.' })),
        feedID: Type.Optional(Type.String({ description: 'The feed that was asked for.' })),
        reason: Type.Optional(ReasonAnswer),
        stack: Type.Optional(Type.String({ description: 'Only with `DEBUG=true`.' })),
        cause: Type.Optional(Type.Unknown({ description: 'Only with `DEBUG=true`.' })),
      },
      { additionalProperties: false },
    ),
    hint: Type.Optional(
      Type.String({
        description: 'What helps whoever has asked wrongly, such as the endpoints that there are.',
      }),
    ),
  },
  { additionalProperties: false, description: 'A request that could not be answered.' },
)

/** The JSON body of an error answer (contract 6.5). Keys without a value are absent. */
export type AdapterErrorResponse = Static<typeof ErrorAnswer>
