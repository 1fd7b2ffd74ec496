import { type Static, Type } from '@sinclair/typebox'

/** Only code that describes or checks answers loads this file. All other code imports only its type. */

export const SettingView = Type.Object(
  {
    name: Type.String({ description: 'As the environment has it.' }),
    value: Type.Optional(Type.Unknown({ description: 'What it is set to, secrets redacted.' })),
    type: Type.String({ description: '`string`, `number`, `boolean` or `enum`.' }),
    description: Type.String({ description: 'What it is for.' }),
    required: Type.Boolean({ description: 'Whether the adapter does not start without it.' }),
    sensitive: Type.Optional(
      Type.Boolean({ description: 'Whether its definition says that it is a secret.' }),
    ),
    default: Type.Optional(
      Type.Unknown({ description: 'What it is where nothing is set, for this adapter.' }),
    ),
    customSetting: Type.Boolean({ description: 'Declared by the adapter rather than by the framework.' }),
    envDefaultOverride: Type.Optional(
      Type.Unknown({ description: "The adapter's own default for a setting of the framework." }),
    ),
  },
  { additionalProperties: false, description: 'A setting, as status and debug pages show it.' },
)

export type SettingView = Static<typeof SettingView>
