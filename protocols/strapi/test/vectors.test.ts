import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Which test replays each recording; several may. */
const consumers: Record<string, string> = {
  'error-traces.ndjson': 'frames.test.ts',
  'http-handshake.ndjson': 'upgrade-refusal.test.ts',
  'legacy-5.42-trace.ndjson': 'frames.test.ts',
  'official-client-pull-trace.ndjson': 'pull-traces.test.ts',
  'official-client-push-trace.ndjson': 'frames.test.ts',
  'pull-trace.ndjson': 'pull-traces.test.ts',
  'push-replace-matching-trace.ndjson': 'frames.test.ts',
  'push-trace.ndjson': 'frames.test.ts',
  'rest-answer.json': 'rest-preset.test.ts',
}

describe('the recorded conversations', () => {
  it('are all consumed', () => {
    const files = readdirSync(join(__dirname, 'fixtures'))
    expect(files.toSorted()).toEqual(Object.keys(consumers))
  })

  it.each(Object.entries(consumers))('%s is read by %s', (recording, test) => {
    const text = readFileSync(join(__dirname, test), 'utf8')
    expect(text).toContain(recording.replace('.ndjson', ''))
  })
})
