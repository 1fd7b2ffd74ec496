import { LogLimiter } from '../util/log-limiter'
import { makeLogger } from '../util/logging'
import { validator } from '../validation/validators'
import { type TimestampedAdapterResponse } from './responses'
import { isImplausible } from './time'

const logger = makeLogger('ResponseCache')

/** Logs a warning about a response that is stored nevertheless (contract 8.4). */
export class ResponseWarnings {
  private readonly times = new LogLimiter()

  look(response: TimestampedAdapterResponse, endpointName: string, now: number): void {
    const isError = response.errorMessage !== undefined
    if (!isError && response.data === undefined) logger.warn('The response has no "data"')
    else if (!isError && response.result === undefined) logger.warn('The response has no "result"')
    const indicated = response.timestamps?.providerIndicatedTimeUnixMs
    if (indicated === undefined || !isImplausible(indicated, now)) return
    this.times.run(endpointName, (repeated) => {
      const problem = validator.responseTimestamp().fn(indicated)
      logger.warn({ repeated }, `Provider indicated time is invalid: ${problem}`)
    })
  }
}
