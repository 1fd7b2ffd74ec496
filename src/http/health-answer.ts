import { type Static, Type } from '@sinclair/typebox'

/** Loaded by what describes and checks, and by its type alone elsewhere. */

export const HealthAnswer = Type.Object(
  {
    message: Type.Literal('OK'),
    version: Type.Optional(Type.String({ description: 'Of the package, where npm started the process.' })),
  },
  { additionalProperties: false, description: 'The process is alive.' },
)

export type HealthAnswer = Static<typeof HealthAnswer>
