import { type AlertGroup } from './alert'
import { ADAPTER, ENDPOINT, grown, JOB, m, others } from './names'

/** The adapter, as summaries name it. */
const WHO = '{{ $labels.app_name }} on {{ $labels.instance }}'

/** Feeds that somebody has asked for within the last two minutes, and that have no good value. */
const MISSING = `max by (${ENDPOINT}, feed_id) (${m.feedUp} == 0 and on (${ADAPTER}, feed_id) ${grown(m.httpRequestsTotal, '2m')})`

/** Feeds that have one. */
const GOOD = `count by (${ADAPTER}) (max by (${ENDPOINT}, feed_id) (${m.feedUp} == 1))`

/** How long a value lives, in seconds. */
const LIMIT = `(${m.cacheDataMaxAge} / 1000)`
const SAME_FEED = `${ADAPTER}, process, participant_id`

/** Answers that are no fault of the client. */
const FAILED = `${m.httpRequestsTotal}{status_code=~"5..|429"}`

/** Whether prices are there. */
export const feedAlerts: AlertGroup = {
  name: 'tickwell-feeds',
  title: 'Feeds and answers',
  alerts: [
    {
      name: 'TickwellNotScraped',
      severity: 'critical',
      expr: `${others.up}{job="${JOB}"} == 0 or absent(${others.up}{job="${JOB}"})`,
      for: '1m',
      summary:
        'Prometheus gets no metrics of {{ with $labels.instance }}{{ . }}{{ else }}any service{{ end }}',
      meaning:
        'The service has not answered Prometheus for a minute, or Prometheus has no target of this job. All other alerts are blind until that ends. The service is down, its event loop hangs, or the network between the two is.',
      look: [
        '`GET /live` and `GET /health` of the service: does anything answer?',
        'The log of the service, and whether its process or container runs (`docker compose ps`).',
        'The page “Targets” of Prometheus, which says why a scrape failed. `METRICS_ENABLED` and `METRICS_PORT` of the service.',
      ],
      act: [
        'Start or restart the service, unless something does so by itself.',
        'If it runs and answers requests, mend the scrape: address, port, TLS, firewall. The job has to be called `tickwell`.',
      ],
    },
    {
      name: 'TickwellAdapterDown',
      severity: 'critical',
      expr: `count by (${ADAPTER}) (${MISSING}) unless ${GOOD}`,
      for: '30s',
      summary: `${WHO}: none of {{ $value }} feeds has a price`,
      meaning:
        'Every feed of the adapter that somebody asks for is without a good value: all requests to it are answered with an error.',
      look: [
        '`/status`: the connections of the adapter, since when they are down, and the last error. `GET /ready`: which share is fresh.',
        '`error.reason` in an answer, or `/explain` for one of the feeds: its code is in [http.md](http.md).',
        'The status page of the data provider. Do other adapters of the same service have prices?',
      ],
      act: [
        'Class `network` or `timeout`: the way to the provider (DNS, proxy, firewall), or the provider is down; the service goes on trying.',
        'Class `auth`: renew the credential. Class `quota`: see `TickwellProviderRefuses`. Class `guard` or `stale`: see `TickwellValuesRefused`.',
        'If nothing else helps, restart the service, and keep its log.',
      ],
    },
    {
      name: 'TickwellFeedsDown',
      severity: 'warning',
      expr: `count by (${ENDPOINT}) (${MISSING}) > 0`,
      for: '1m',
      summary: `${WHO}: {{ $value }} of the feeds of {{ $labels.adapter_endpoint }} have no price`,
      meaning:
        'Feeds that somebody asks for have had no good value for a minute: requests for them are answered with an error.',
      look: [
        `Which ones: \`${m.feedUp} == 0\`, and since when: \`${m.feedAgeSeconds}\`. On the board: “Feeds that are down”.`,
        '`/explain` for one of them, or `error.reason` of an answer: since when, and why.',
      ],
      act: [
        'One feed: does the provider still list it? Is it spelled right in the request? A client may ask for what there is not.',
        'Many feeds: see what `TickwellAdapterDown` says.',
        'What must not be served is withdrawn with `FEED_LIMITS` ([limits.md](limits.md)); what nobody needs is no longer asked for.',
      ],
    },
    {
      name: 'TickwellFeedsNearLimit',
      severity: 'warning',
      expr: `count by (${ENDPOINT}) (avg_over_time(${m.feedAgeSeconds}[15m]) > on (${SAME_FEED}) 0.4 * ${LIMIT} unless on (${SAME_FEED}) max_over_time(${m.feedAgeSeconds}[15m]) > on (${SAME_FEED}) 1.5 * ${LIMIT}) > 0`,
      for: '10m',
      summary: `${WHO}: {{ $value }} of the feeds of {{ $labels.adapter_endpoint }} are renewed only just before they end`,
      meaning:
        'Values come so seldom that they are nearly as old as they may be when the next one comes (their age is on average more than 40 % of that). One that is late leaves a gap.',
      look: [
        `\`${m.feedAgeSeconds}\` beside \`${m.cacheDataMaxAge} / 1000\` of the same feed. On the board: “Oldest feeds”.`,
        `Over HTTP: \`${m.providerDemandRatio}\`, which says how long all requests take within the rate limit.`,
      ],
      act: [
        'A pair that is hardly traded: allow it a longer life, as far as its users can take that (`CACHE_MAX_AGE`, [freshness.md](freshness.md)).',
        'Over HTTP: fewer feeds, a higher tier of the provider, or a longer life.',
      ],
    },
    {
      name: 'TickwellAnswersFail',
      severity: 'warning',
      expr: `sum by (${ADAPTER}) (increase(${FAILED}[2m])) / sum by (${ADAPTER}) (increase(${m.httpRequestsTotal}[2m])) > 0.05`,
      for: '1m',
      summary: `${WHO}: {{ $value | humanizePercentage }} of the answers are errors`,
      meaning:
        'More than one answer in twenty is an error that is not the client’s fault (5xx or 429). This is what nodes see.',
      look: [
        `\`sum by (status_code, type, feed_id) (rate(${FAILED}[2m]))\`: which errors, for which feeds.`,
        'The other alerts, which name the cause, and `error.reason` in an answer.',
      ],
      act: ['Act on the cause. If no other alert has one, ask for a failing feed with `/explain`.'],
    },
  ],
}
