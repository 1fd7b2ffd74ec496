import { type TSchema, Type } from '@sinclair/typebox'
import { SettingView } from '../config/setting-view'
import { RefusalAnswer, ValueAnswer } from '../feeds/answers'
import { ErrorAnswer } from '../validation/error-answer'
import { ExplainAnswer } from './explain-answer'
import { HealthAnswer } from './health-answer'
import { LiveAnswer } from './live-answer'
import { ReadyAnswer } from './ready-answer'
import { ServiceStatus, StatusResponse } from './status-answer'

/** The server's own answer to a request for which there is no route (contract 6.1). */
export const NoRouteAnswer = Type.Object(
  {
    message: Type.String({ description: 'Names the method and the path.' }),
    error: Type.Literal('Not Found'),
    statusCode: Type.Literal(404),
    hint: Type.Optional(Type.String({ description: 'The paths that there are.' })),
  },
  { additionalProperties: false, description: 'There is no such route.' },
)

/** The answer to a request that has not the token of the port for operators. */
export const NoTokenAnswer = Type.Object(
  { statusCode: Type.Literal(401), error: Type.Literal('Unauthorized'), message: Type.String() },
  { additionalProperties: false, description: 'The bearer token is missing, or is another one.' },
)

/** One kind of JSON that the service answers with. */
export interface DescribedAnswer {
  method: 'GET' | 'POST'
  /** Below `BASE_URL`. */
  path: string
  /** HTTP statuses that it comes with. */
  status: string
  schema: TSchema
}

/**
 * All JSON that the service answers with. The HTTP reference is made from this, and tests compare real answers with it. Not in it are
 * errors that are not an `AdapterError`, which are plain text (contract 6.5), and metrics, which have their own format.
 */
export const answers: readonly DescribedAnswer[] = [
  { method: 'POST', path: '/, /<adapter>', status: '200', schema: ValueAnswer },
  { method: 'POST', path: '/, /<adapter>', status: 'what its statusCode says', schema: RefusalAnswer },
  { method: 'POST', path: '/, /<adapter>', status: '400, 404, 429, 500, 502, 503, 504', schema: ErrorAnswer },
  { method: 'GET', path: '/health', status: '200', schema: HealthAnswer },
  { method: 'GET', path: '/live', status: '200, 503', schema: LiveAnswer },
  { method: 'GET', path: '/ready', status: '200, 503', schema: ReadyAnswer },
  {
    method: 'GET',
    path: '/explain, /<adapter>/explain, the same with POST',
    status: '200',
    schema: ExplainAnswer,
  },
  { method: 'GET', path: 'anything on ADMIN_PORT without its token', status: '401', schema: NoTokenAnswer },
  { method: 'GET', path: '/status, /<adapter>/status', status: '200', schema: StatusResponse },
  { method: 'GET', path: '/status of a service of several adapters', status: '200', schema: ServiceStatus },
  {
    method: 'GET',
    path: '/debug/settings/raw',
    status: '200',
    schema: Type.Array(SettingView, {
      description: 'All settings of an adapter, where `DEBUG_ENDPOINTS` allows.',
    }),
  },
  { method: 'GET', path: 'anything else', status: '404', schema: NoRouteAnswer },
]
