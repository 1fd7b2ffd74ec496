/**
 * The lines of the trials. Each has a name, the laws that it is about, what happens and what is right, and cases: the same for several ways
 * in which values come. A case runs on a bench and says whether it was right, and what was seen; `only: 'ours'` marks what the reference
 * framework does not have.
 */
import { connectionLines } from './alive-connection-lines.mjs'
import { httpLines } from './alive-http-lines.mjs'
import { subscriptionLines } from './alive-subscription-lines.mjs'
import { causeLines } from './cause-lines.mjs'
import { clockLines } from './clock-lines.mjs'
import { clientLines } from './edge-client-lines.mjs'
import { peerLines } from './edge-peer-lines.mjs'
import { providerLines } from './edge-provider-lines.mjs'
import { scrapeLines } from './edge-scrape-lines.mjs'
import { secretLines } from './edge-secret-lines.mjs'
import { tlsLines } from './edge-tls-lines.mjs'
import { faultLines } from './fault-lines.mjs'
import { healthLines } from './health-lines.mjs'
import { lawInputLines } from './law-input-lines.mjs'
import { lawServiceLines } from './law-service-lines.mjs'
import { lawSourceLines } from './law-source-lines.mjs'
import { lawValueLines } from './law-value-lines.mjs'
import { lifeLines } from './life-lines.mjs'
import { restartLines } from './restart-lines.mjs'
import { stopLines } from './stop-lines.mjs'
import { valueLines } from './value-lines.mjs'
import { venueLines } from './venue-lines.mjs'

/** That nothing wrong and nothing old is served as good. */
export const stale = {
  table: 'lines',
  lines: [...lifeLines, ...clockLines, ...valueLines, ...venueLines, ...restartLines],
}

/** That no feed and no connection is dead in silence. */
export const alive = { table: 'alive', lines: [...subscriptionLines, ...connectionLines, ...httpLines] }

/** That answers have a cause, that health means something, and that a stop costs nobody a request. */
export const answers = {
  table: 'answers',
  lines: [...causeLines, ...healthLines, ...stopLines, ...faultLines],
}

/** That nobody outside can lean on it: clients, peers and providers, floods and secrets. */
export const edge = {
  table: 'edge',
  lines: [...clientLines, ...scrapeLines, ...providerLines, ...peerLines, ...tlsLines, ...secretLines],
}

/** What the laws say that the reference framework was seen to break, as far as no line of another trial tries it. */
export const laws = {
  table: 'laws',
  lines: [...lawValueLines, ...lawInputLines, ...lawSourceLines, ...lawServiceLines],
}

/** In the order of their tables. */
export const trials = [stale, alive, answers, edge, laws]
