import { type Static, type TSchema, type Type as TypeBuilder } from '@sinclair/typebox'

/** @param Type - of TypeBox, which is loaded only where limits are set or described */
export const limitsSchema = (Type: typeof TypeBuilder) => {
  /** @param allowed - what is allowed there, as a text for people */
  const limit = <T extends TSchema>(schema: T, allowed: string) =>
    Type.Optional(Type.Union([schema, Type.Null()], { description: `${allowed}, or null` }))
  const milliseconds = Type.Integer({ minimum: 1, maximum: 31_536_000_000 })
  return Type.Object(
    {
      min: limit(Type.Number(), 'a number'),
      max: limit(Type.Number(), 'a number'),
      maxJump: limit(Type.Number({ exclusiveMinimum: 0 }), 'a number above 0 (0.1 is ten percent)'),
      maxAgeMs: limit(milliseconds, 'a whole number of ms from 1 to 31536000000'),
      frozenAfterMs: limit(milliseconds, 'a whole number of ms from 1 to 31536000000'),
      sign: limit(Type.Union([Type.Literal('positive'), Type.Literal('any')]), '"positive" or "any"'),
      allowZero: limit(Type.Boolean(), 'true or false'),
      withdrawn: limit(
        Type.String({ pattern: '\\S', maxLength: 500 }),
        'a text that says why, of 1 to 500 characters',
      ),
    },
    { additionalProperties: false, description: 'an object of limits' },
  )
}

/** The content of FEED_LIMITS. */
export const limitsByPatternSchema = (Type: typeof TypeBuilder) =>
  Type.Record(Type.String({ pattern: '^[^]*$' }), limitsSchema(Type), {
    description: 'an object from patterns of feeds to limits',
  })

/** Limits of one feed. A limit that is not there stays as the endpoint declares it; null removes what the endpoint declares. */
export type Limits = Static<ReturnType<typeof limitsSchema>>

export type LimitsByPattern = Static<ReturnType<typeof limitsByPatternSchema>>
