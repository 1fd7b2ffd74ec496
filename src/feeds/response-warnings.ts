import { LogLimiter } from '../util/log-limiter'
import { named } from '../util/line-owner'
import { makeLogger } from '../util/logging'
import { validator } from '../validation/validators'
import { type TimestampedAdapterResponse } from './responses'
import { isImplausible } from './time'

const logger = makeLogger('ResponseCache')

/** Logs a warning about a response that is stored nevertheless (contract 8.4). */
export class ResponseWarnings {
  private readonly times = new LogLimiter()

  /** @param whose - what belongs to the adapter and its endpoint */
  constructor(private readonly whose: object) {}

  look(response: TimestampedAdapterResponse, endpointName: string, now: number): void {
    const isError = response.errorMessage !== undefined
    if (!isError && response.data === undefined) named(logger, this.whose).warn('The response has no "data"')
    else if (!isError && response.result === undefined)
      named(logger, this.whose).warn('The response has no "result"')
    const indicated = response.timestamps?.providerIndicatedTimeUnixMs
    if (indicated === undefined || !isImplausible(indicated, now)) return
    this.times.run(endpointName, (repeated) => {
      const problem = validator.responseTimestamp().fn(indicated)
      named(logger, this.whose).warn({ repeated }, `Provider indicated time is invalid: ${problem}`)
    })
  }
}
