import { type AlertGroup } from './alert'
import { ADAPTER, ENDPOINT, grown, m } from './names'

const WHO = '{{ $labels.app_name }} on {{ $labels.instance }}'

const REFUSING = `${m.dataProviderRequests}{provider_status_code=~"401|402|403|407|429"}`

/** Redis and peers are no part of it: what happens between us and those whose prices we serve. */
export const providerAlerts: AlertGroup = {
  name: 'tickwell-providers',
  title: 'Data providers',
  alerts: [
    {
      name: 'TickwellConnectionDown',
      severity: 'warning',
      expr: `sum by (${ADAPTER}) (${m.wsConnectionActive}) == 0 and sum by (${ADAPTER}) (${grown(m.wsConnectionAttempt, '2m')}) > 0 and sum by (${ADAPTER}) (${m.bgExecuteSubscriptionSetCount}) > 0`,
      for: '15s',
      summary: `${WHO}: no WebSocket is open, although feeds are wanted`,
      meaning:
        'The adapter tries to connect and has no open WebSocket. Prices that are known are served until they end; from then on it is `TickwellAdapterDown`.',
      look: [
        '`/status`: the last error of the connection and when it is tried next.',
        `\`${m.wsConnectionErrors}\` and \`${m.wsConnectionClosures}\`, by code; the log lines of the outage.`,
        'The status page of the data provider.',
      ],
      act: [
        'The network, DNS or a proxy: mend it. The provider: wait, or give a second URL if the adapter takes several.',
        'A refused handshake (`HANDSHAKE_REFUSED`, `CREDENTIAL_REFUSED`): renew the credential, or see whether the address is blocked.',
      ],
    },
    {
      name: 'TickwellConnectionFlaps',
      severity: 'warning',
      expr: `sum by (${ADAPTER}, url) (${grown(m.wsConnectionClosures, '10m')}) > 5`,
      summary: `${WHO}: connections to {{ $labels.url }} have ended {{ $value | humanize }} times in ten minutes`,
      meaning:
        'Connections are made and lost again. Prices have gaps, and the provider may begin to refuse us.',
      look: [
        `The codes: \`sum by (url, code) (increase(${m.wsConnectionClosures}[10m]))\`. 1006 and 1005 are no polite ends; 1008 and 1013 are the provider’s rules.`,
        `\`background_loops_replaced_total\` and \`${m.eventLoopStalls}\`: a process without time does not answer pings.`,
        'The log: which feeds are suspected or kept off (`QUARANTINED`).',
      ],
      act: [
        'Ended by us as unresponsive: the provider is silent longer than `WS_SUBSCRIPTION_UNRESPONSIVE_TTL` allows.',
        'Ended by the provider: too many subscriptions on one connection, too many connections of one key, or a message it does not take.',
      ],
    },
    {
      name: 'TickwellConnectorDown',
      severity: 'warning',
      expr: `max by (${ENDPOINT}, transport) (${m.transportCircuitOpen}) == 0`,
      for: '2m',
      summary: `${WHO}: the connector of {{ $labels.adapter_endpoint }} ({{ $labels.transport }}) cannot send`,
      meaning:
        'A connector of `tremor` has not been able to send for two minutes: as a client it is not connected, as a server it has lost all its peers.',
      look: [
        '`/status`: its connections, with their last error.',
        `\`${m.dataRefused}\` of the adapter: is somebody refused? \`${m.transportCircuitEvents}\`: since when.`,
      ],
      act: ['Start the other side, or let it in: address and token have to be right on both sides.'],
    },
    {
      name: 'TickwellProviderRefuses',
      severity: 'warning',
      expr: `sum by (${ADAPTER}, provider_status_code) (${grown(REFUSING, '5m')}) > 0`,
      for: '1m',
      summary: `${WHO}: the data provider refuses requests with {{ $labels.provider_status_code }}`,
      meaning:
        'The data provider answers requests with 429 (too many) or with 401, 402, 403 or 407 (the key, the plan, or the proxy’s credential).',
      look: [
        `\`sum by (provider_status_code) (rate(${m.dataProviderRequests}[5m]))\`, and \`error.reason\` of an answer for the provider’s words.`,
        'Does another service use the same key? Is the tier (`RATE_LIMIT_API_TIER`) the one that is paid for?',
      ],
      act: [
        '429: a lower rate limit (`RATE_LIMIT_CAPACITY_*`), fewer feeds, or a higher tier. The service waits as long as the provider says.',
        'Others: renew the key or the plan, set it anew, restart.',
      ],
    },
    {
      name: 'TickwellProviderFailing',
      severity: 'warning',
      expr: `sum by (${ADAPTER}) (${m.providerHostsFailing}) > 0`,
      for: '1m',
      summary: `${WHO}: {{ $value }} hosts of data providers fail`,
      meaning:
        'HTTP requests to a host have failed one after another (`HOST_FAILING`), so that only single ones are sent until it answers.',
      look: [
        `\`sum by (provider_status_code) (rate(${m.dataProviderRequests}[5m]))\`; no status means that no answer came.`,
        'The status page of the data provider, and the way there.',
      ],
      act: [
        'Wait for the provider, or mend the way to it. Requests go on by themselves as soon as one succeeds.',
      ],
    },
    {
      name: 'TickwellRateLimitTooLow',
      severity: 'warning',
      expr: `max by (${ENDPOINT}) (${m.providerDemandRatio}) > 1`,
      for: '2m',
      summary: `${WHO}: {{ $labels.adapter_endpoint }} needs {{ $value | humanizePercentage }} of the time that its values live to ask for all of them`,
      meaning:
        'Within the rate limit, asking for all wanted feeds takes longer than their values live: some are missing at any time.',
      look: [
        `\`${m.providerDemandRatio}\`, and \`${m.bgExecuteSubscriptionSetCount}\`: how many feeds are wanted.`,
        `\`${m.requesterQueueSize}\`: what waits for its turn.`,
      ],
      act: [
        'Fewer feeds, a higher tier (`RATE_LIMIT_API_TIER`), or a longer life (`CACHE_MAX_AGE`).',
        'Where the provider takes several feeds in one request, an adapter that asks in batches.',
      ],
    },
    {
      name: 'TickwellRequestsDropped',
      severity: 'warning',
      expr: `sum by (${ADAPTER}) (${grown(m.requesterQueueOverflow, '5m')}) > 0`,
      summary: `${WHO}: {{ $value | humanize }} requests to the data provider were dropped in five minutes`,
      meaning:
        'More requests waited for their turn at the provider than `MAX_HTTP_REQUEST_QUEUE_LENGTH`. Those that had waited longest were given up.',
      look: [
        `\`${m.requesterQueueSize}\` and \`${m.providerDemandRatio}\`.`,
        'Does the provider answer slowly or ask for pauses (`Retry-After`)?',
      ],
      act: ['As for `TickwellRateLimitTooLow`. A longer queue only makes older answers.'],
    },
    {
      name: 'TickwellValuesRefused',
      severity: 'warning',
      expr: `sum by (${ENDPOINT}, reason) (${grown(m.dataRefused, '5m')}) > 10`,
      summary: `${WHO}: {{ $value | humanize }} values of {{ $labels.adapter_endpoint }} were refused in five minutes: {{ $labels.reason }}`,
      meaning:
        'The provider sends what may not be served: a guard is against it, it cannot be read, or it is for a feed that nobody wants. Feeds keep their last good value until that ends.',
      look: [
        'The reason, which is explained in [freshness.md](freshness.md); at log level `debug` one line a minute shows what was refused.',
        `\`/explain\` for a feed, and \`${m.feedUp}\`: is anything missing yet?`,
      ],
      act: [
        '`future`, `too-old`, `impossible-time`: compare the clocks, ours first (`TickwellClockStepped`).',
        '`out-of-range`, `jump`, `frozen`: look at the market. If the value is right, widen the limit with `FEED_LIMITS` ([limits.md](limits.md)).',
        '`not-json`, `handler-failed`, `invalid-result`: the provider has changed its messages; the adapter needs an update.',
      ],
    },
    {
      name: 'TickwellValuesReported',
      severity: 'info',
      expr: `sum by (${ENDPOINT}, reason) (${grown(m.dataReported, '5m')}) > 10`,
      summary: `${WHO}: {{ $value | humanize }} values of {{ $labels.adapter_endpoint }} were served in five minutes that a guard is against: {{ $labels.reason }}`,
      meaning:
        'A guard that only reports (`GUARD_POLICY=report`, or the policy `flag` of an endpoint) is against values that are served.',
      look: [`\`sum by (reason) (rate(${m.dataReported}[5m]))\`, and the values themselves.`],
      act: ['If the guard is right, enforce it (`GUARD_POLICY=enforce`). If it is not, change its limit.'],
    },
  ],
}
