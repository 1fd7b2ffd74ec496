import { describe, expect, it } from 'vitest'
import { filesBelow, read } from '../helpers/repository'

/** A text that loses its end, as code usually writes it; that of an array or a buffer looks the same. */
const CUT =
  /\.(?:slice|substring|substr)\(0, (?:MAX_\w+|\d[\d_]+|max\w*|length|most|room)\)|toString\('utf8', 0,/

/** Those that show no text as it came, each with what it cuts. */
const OTHERS: Readonly<Record<string, string>> = {
  'src/util/redaction.ts': 'the one that does both in the right order',
  'src/util/rfc3339.ts': 'the date of a time',
  'src/config/running-version.ts': 'a hash',
  'src/http/ready.ts': 'lists',
  'src/http/status.ts': 'a list of connections',
  'src/feeds/feed-survey.ts': 'lists',
  'src/transports/raw-records.ts': 'what has no secret any more, and bytes that are cut again',
  'src/feeds/refusals.ts': 'what has no secret any more',
  'src/feeds/limits/rules.ts': 'a list',
  'src/feeds/limits/feed-limits.ts': 'a list',
  'src/adapter/error-answers.ts': 'a key that is not shown',
  'src/adapter/hints.ts': 'a list',
  'src/connections/dial.ts': 'the body of a refusal, which is not shown',
  'protocols/strapi/push/content-check.ts': 'a list',
  'protocols/strapi/push/plan.ts': 'lists',
  'protocols/tremor/problems.ts': 'a list',
  'protocols/tremor/codecs/formats/syslog-writing.ts': 'a time',
  'endpoints/common/asset-codes.ts': 'what the client has written itself',
}

const sources = ['src', 'protocols', 'endpoints']
  .flatMap((folder) => filesBelow(folder, /\.ts$/))
  .filter((file) => !file.includes('/test/'))

describe('SC-1: the code', () => {
  it('cuts what is shown by the one helper that takes the secrets out before', () => {
    const cutting = sources.filter((file) => read(file).search(CUT) !== -1)
    expect(cutting.sort()).toEqual(Object.keys(OTHERS).sort())
  })
})
