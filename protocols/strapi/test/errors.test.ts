import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../../../src/validation/error-codes'
import { TRANSFER_REASONS, TransferError, type TransferReason } from '../errors'
import { outageCodeOf } from '../outage'
import { config } from '../adapters/strapi/config'

const read = (path: string) => readFileSync(join(__dirname, '../../..', path), 'utf8')

describe('the named causes of a failed transfer', () => {
  const reasons = Object.keys(TRANSFER_REASONS) as TransferReason[]

  it.each(reasons)('%s has a kind, a code that clients see, and a line in the documentation', (reason) => {
    const error = new TransferError(reason, 'a text')
    expect(error.kind).toBe(TRANSFER_REASONS[reason])
    expect(errorCodes).toHaveProperty(outageCodeOf(error))
    expect(read('protocols/strapi/README.md')).toContain(`| \`${reason}\` |`)
  })
})

describe('the settings of the ready adapter', () => {
  it.each(Object.keys(config.settingsDefinition))('%s has a line in its documentation', (name) => {
    expect(read('protocols/strapi/adapters/strapi/README.md')).toContain(`| \`STRAPI_${name}\` |`)
  })
})
