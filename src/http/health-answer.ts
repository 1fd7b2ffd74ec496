import { type Static, Type } from '@sinclair/typebox'

/** This schema is loaded only by code that describes or checks answers. Everything else imports its type alone. */

export const HealthAnswer = Type.Object(
  {
    message: Type.Literal('OK'),
    version: Type.Optional(Type.String({ description: 'Of the package, where npm started the process.' })),
  },
  { additionalProperties: false, description: 'The process is alive.' },
)

export type HealthAnswer = Static<typeof HealthAnswer>
