import { expect, it } from 'vitest'
import { type Cause, mergedError } from '../../src/feeds/merged-error'
import { type AdapterResponse } from '../../src/feeds/responses'

const START = 1_700_000_000_000
const at = (ms: number) => ({ unixMs: START + ms, monotonicMs: ms })

const errorOf = (name: string, ms: number, errorMessage: string | undefined, meta?: object): Cause => {
  const timestamps = { providerDataReceivedUnixMs: START + ms, providerIndicatedTimeUnixMs: undefined }
  const response = { statusCode: 502 + ms, errorMessage, timestamps, ...(meta && { meta }) }
  return {
    name,
    error: { response: response as unknown as AdapterResponse, notedAt: at(ms), expiresAt: at(99) },
  }
}
const outage = (message: string): Cause => ({
  name: 'rest',
  outage: { code: 'CONNECTION_REFUSED', message, sinceUnixMs: START },
})

it('is none where no source has sent an error', () => {
  expect(mergedError([])).toBeUndefined()
  expect(mergedError([outage('refused')])).toBeUndefined()
})

it('is what the source said where there is only one', () => {
  expect(mergedError([errorOf('ws', 1, 'quota', { transportName: 'ws' })])).toEqual({
    statusCode: 503,
    errorMessage: 'quota',
    timestamps: { providerDataReceivedUnixMs: START + 1, providerIndicatedTimeUnixMs: undefined },
    meta: { transportName: 'ws' },
  })
  expect(mergedError([errorOf('ws', 1, undefined)])).toMatchObject({ errorMessage: '' })
  expect(mergedError([errorOf('ws', 1, 'quota')])).not.toHaveProperty('meta')
})

it('FO-7: names every source with what it says and when, has the status of the first and the times of the last', () => {
  const causes = [errorOf('ws', 2, 'quota'), errorOf('backup', 7, 'down'), errorOf('third', 7, 'off')]
  expect(mergedError([outage('refused'), ...causes])).toEqual({
    statusCode: 504,
    errorMessage:
      'rest: refused (CONNECTION_REFUSED, 2023-11-14T22:13:20.000Z); ' +
      'ws: quota (504, 2023-11-14T22:13:20.002Z); backup: down (509, 2023-11-14T22:13:20.007Z); ' +
      'third: off (509, 2023-11-14T22:13:20.007Z)',
    timestamps: { providerDataReceivedUnixMs: START + 7, providerIndicatedTimeUnixMs: undefined },
  })
})
