import { type Static, Type } from '@sinclair/typebox'
import { SettingView } from '../config/setting-view'
import { ConnectionStatus } from '../connections/connection-status'
import { LimitsStatus } from '../feeds/limits/limits-status'

/** These schemas are loaded only by code that describes or checks answers. Everything else imports their types alone. */

const closed = { additionalProperties: false }

const ClockStatus = Type.Object(
  {
    stepMs: Type.Number({ description: 'How far the wall clock was moved; negative where it was set back.' }),
    seenUnixMs: Type.Number({ description: 'What the wall clock showed when that was noticed.' }),
    agreed: Type.Union([Type.Literal('wall'), Type.Literal('kept'), Type.Literal('nobody')], {
      description:
        'Which clock the ticks of providers agree with: what the wall clock shows, or the time from before the step, counted on. ' +
        '`nobody`: none has told yet, and our own clock is suspect.',
    }),
  },
  { ...closed, description: 'Only while a step of the wall clock still matters.' },
)

export const StatusResponse = Type.Object(
  {
    adapter: Type.Object(
      {
        name: Type.String({ description: 'In upper case.' }),
        version: Type.String({
          description: 'Of the service, or of the package of an adapter that npm started; else `unknown`.',
        }),
        uptimeSeconds: Type.Number({ description: 'Of the process.' }),
        startedUnixMs: Type.Optional(Type.Integer({ description: 'When the process was started.' })),
        configurationHash: Type.Optional(
          Type.String({
            description:
              'The same for the same settings. Of a secret only whether it is set counts, so that it cannot be guessed from this.',
          }),
        ),
      },
      closed,
    ),
    endpoints: Type.Array(
      Type.Object(
        {
          name: Type.String({ description: 'What requests name it by.' }),
          aliases: Type.Array(Type.String(), { description: 'Other names of it.' }),
          transports: Type.Array(Type.String(), { description: 'The names of its transports.' }),
          connections: Type.Optional(
            Type.Array(
              Type.Composite([ConnectionStatus, Type.Object({ transport: Type.String() })], closed),
              {
                description:
                  'Of each transport with streams or peers, with its name. If there are more than 50, those that are not open come first.',
              },
            ),
          ),
          otherConnections: Type.Optional(
            Type.Integer({ description: 'How many there are beside these 50, if there are.' }),
          ),
        },
        closed,
      ),
    ),
    clock: Type.Optional(ClockStatus),
    defaultEndpoint: Type.String({
      description: 'The one for requests that name none; empty where there is none.',
    }),
    configuration: Type.Array(SettingView),
    runtime: Type.Object(
      {
        nodeVersion: Type.String(),
        platform: Type.String(),
        architecture: Type.String(),
        hostname: Type.String(),
      },
      { ...closed, description: 'What the process runs on.' },
    ),
    metrics: Type.Object(
      {
        enabled: Type.Boolean({ description: 'Whether anything is measured.' }),
        port: Type.Optional(Type.Integer({ description: 'Where Prometheus finds it.' })),
        endpoint: Type.Optional(Type.String({ description: 'The path there.' })),
      },
      closed,
    ),
    feedLimits: Type.Optional(LimitsStatus),
  },
  { ...closed, description: 'What an adapter is and how it is set up, secrets redacted.' },
)

export type StatusResponse = Static<typeof StatusResponse>

export const ServiceStatus = Type.Object(
  { adapters: Type.Array(StatusResponse, { description: 'Each as its own status has it.' }) },
  { ...closed, description: 'All adapters of a service of several.' },
)

export type ServiceStatus = Static<typeof ServiceStatus>
