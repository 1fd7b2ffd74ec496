import { type Static, Type } from '@sinclair/typebox'

/** Only code that describes or checks answers loads this file. All other code imports only its type. */

export const ConnectionStatus = Type.Object(
  {
    role: Type.Union([Type.Literal('client'), Type.Literal('listener'), Type.Literal('peer')], {
      description: 'Whether we connected, listen, or were connected to.',
    }),
    state: Type.String({ description: 'Such as `open` or `waiting`.' }),
    url: Type.Optional(
      Type.String({ description: 'What is connected to, or listened on, without secrets.' }),
    ),
    peer: Type.Optional(Type.String({ description: 'Address or name of the peer.' })),
    sinceUnixMs: Type.Number({ description: 'Since when it has been open, or has not been.' }),
    opened: Type.Optional(Type.Integer({ description: 'How often it was open in all.' })),
    nextAttemptUnixMs: Type.Optional(Type.Number({ description: 'When the next attempt is planned.' })),
    lastError: Type.Optional(
      Type.Object(
        {
          code: Type.String({ description: 'A stable name of the cause.' }),
          message: Type.String({ description: 'The same for people.' }),
          unixMs: Type.Number({ description: 'When it happened.' }),
        },
        { additionalProperties: false },
      ),
    ),
    details: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        description: 'What the protocol has to say beside that.',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'One connection of a transport, or one peer of its listener. Nothing secret.',
  },
)

/** One connection of a transport, or one peer of its listener, as `/status` shows it. Nothing secret. */
export type ConnectionStatus = Static<typeof ConnectionStatus>
