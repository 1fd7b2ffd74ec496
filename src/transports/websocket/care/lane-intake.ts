import { type ProviderResult } from '../../../feeds/responses'
import { type Instant } from '../../../util/clock'
import { isObject } from '../../../util/objects'
import { type Cause } from '../../result-intake'
import { StreamIntake, type StreamIntakeHost } from '../../stream-intake'
import { type WebsocketTransportGenerics } from '../config'

/** The intake of a lane whose owner is told which feeds something has come for: a value or an error. */
export class LaneIntake<T extends WebsocketTransportGenerics> extends StreamIntake<T> {
  constructor(
    host: StreamIntakeHost<T>,
    private readonly onHeard: (feeds: readonly ProviderResult<T>['params'][]) => void,
  ) {
    super(host)
  }

  override accept(results: ProviderResult<T>[] | undefined, at: Instant, handler: string): void {
    super.accept(results, at, handler)
    if (!Array.isArray(results) || results.length === 0) return
    this.onHeard(
      results.flatMap((result) => (isObject(result) && isObject(result.params) ? [result.params] : [])),
    )
  }

  override writeError(
    params: ProviderResult<T>['params'],
    statusCode: number,
    errorMessage: string,
    why?: Cause,
  ): void {
    super.writeError(params, statusCode, errorMessage, why)
    this.onHeard([params])
  }
}
