import { describe, expect, it } from 'vitest'
import { type CheckName, conformance, conformanceChecks, type Venue } from '../../src/testing'
import { checkTitles } from '../../src/testing/conformance/check-names'
import { httpVenue, type Mistakes, wsVenue } from './venues'

const run = (name: CheckName, venue: Venue) =>
  conformanceChecks({ ...venue, guardMs: 3_000 })
    .find((one) => one.name === name)!
    .run()

describe('the conformance suite', () => {
  it.each<[CheckName, Mistakes, message: RegExp]>([
    ['answers', { wrongTime: true }, /expected the provider's time \d+, or none, and found 200/],
    ['once', { asksTwice: true }, /expected one subscription, and found 2/],
    ['unlisted', { misreadsRefusals: true }, /expected no price of ETH\/XYZ, and found 200/],
    ['not-a-number', { unguarded: true }, /the last good price after n\/a|data_refused_total/],
    ['not-positive', { unguarded: true }, /expected the last good price after 0, and found 200/],
    ['future', { unguarded: true }, /expected the last good price after 102.5, and found 200/],
    ['impossible-time', { unguarded: true }, /expected the last good price after 102.5, and found 200/],
    ['backwards', { unguarded: true }, /expected the last good price after 102.5, and found 200/],
    ['garbage', { misreadsGarbage: true }, /expected an answer to be 200 with the result 100/],
    ['cut', { asksOnceForEver: true }, /a subscription of ETH\/USD; seen: .*; 2 connections, 1 open/],
    ['named', { saysNothing: true }, /ETH\/USD to be answered with a reason; the last answer was 504/],
    ['dead', { repeats: true }, /expected no price of what is too old, and found 200/],
    ['silent', { repeats: true }, /expected no price of what is too old, and found 200/],
    ['slept', { repeats: true }, /expected no price of what is too old, and found 200/],
    ['unwanted', { neverUnsubscribes: true }, /the end of the subscription of ETH\/USD/],
    ['stops', { keepsTimer: true }, /no timer that keeps the process alive, and found at .*venues/],
  ])('finds a mistake by its check "%s": %j', async (name, mistakes, message) => {
    await expect(run(name, wsVenue(mistakes))).rejects.toThrow(message)
  })

  it.each<[CheckName, Mistakes, message: RegExp]>([
    ['limit', { asksBeside: true }, /expected 5 requests in a second at the least, .* them in/],
    ['retry-after', { asksBeside: true }, /expected no request for a second, and found one after/],
    ['cut-body', { saysNothing: true }, /to be answered with a reason; the last answer was 504/],
  ])('finds a mistake of what asks over HTTP by its check "%s": %j', async (name, mistakes, message) => {
    await expect(run(name, httpVenue(mistakes))).rejects.toThrow(message)
  })

  it('finds that clients are not told what the provider says of a symbol that it does not have', async () => {
    const venue = wsVenue()
    const unlisted = { ...venue.unlisted, says: 'something else' }
    await expect(run('unlisted', { ...venue, unlisted })).rejects.toThrow(
      /ETH\/XYZ to be answered with "something else"; the last answer was 502 .*there is no ETH\/XYZ/,
    )
  })

  it('finds batches that are too large, none where there should be some, and nothing wrong with good ones', async () => {
    await run('batch', httpVenue())
    await expect(run('batch', httpVenue({}, 7))).rejects.toThrow(/expected at most 3 symbols at a time/)
    await expect(run('batch', httpVenue({}, 1))).rejects.toThrow(/asked for together, and found each alone/)
  })

  it('has no test of what has no meaning, nor of what a venue excepts', () => {
    const names = (venue: Venue) => conformanceChecks(venue).map(({ name }) => name)
    const http = ['limit', 'retry-after', 'cut-body']
    const all = Object.keys(checkTitles)
    expect(names(httpVenue())).toEqual(all.filter((name) => name !== 'once'))
    expect(names(wsVenue())).toEqual(all.filter((name) => !['batch', ...http].includes(name)))
    expect(names({ ...wsVenue(), except: { backwards: 'its times are of no use' } })).not.toContain(
      'backwards',
    )
  })

  it('says what it needs where no test framework has put it into place', () => {
    expect(() => conformance(wsVenue())).toThrow('give those of the test framework to conformance()')
  })
})
