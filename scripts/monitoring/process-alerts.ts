import { type AlertGroup } from './alert'
import { ADAPTER, ENDPOINT, grown, m, others } from './names'

const WHO = '{{ $labels.app_name }} on {{ $labels.instance }}'
const WHERE = '{{ $labels.instance }}{{ with $labels.process }} ({{ . }}){{ end }}'
const PROCESS = 'job, instance, process'

/** What is wrong inside: code that fails, loops that hang, clocks. */
const workAlerts: AlertGroup = {
  name: 'tickwell-work',
  title: 'Code and clocks',
  alerts: [
    {
      name: 'TickwellClockStepped',
      severity: 'warning',
      expr: `max by (${PROCESS}) (increase(${m.clockSteps}[10m])) > 0`,
      summary: `${WHERE}: the wall clock was set`,
      meaning:
        'The wall clock of the machine has made a step. Values are judged by whichever clock the providers’ ticks agree with, so prices go on; but a clock that steps is not in order.',
      look: [
        `\`${m.clockOffsetSeconds}\`: how far the clock stands from where it was. The log: by how much it was set.`,
        'The time service of the machine (`timedatectl`, `chronyc tracking`). A virtual machine that was suspended makes a step, too.',
      ],
      act: ['Mend the time service, and let it slew. Nothing has to be restarted.'],
    },
    {
      name: 'TickwellEventLoopStalls',
      severity: 'warning',
      expr: `sum by (${PROCESS}) (increase(${m.eventLoopStalls}[10m])) > 2`,
      summary: `${WHERE}: the event loop has stood still {{ $value | humanize }} times in ten minutes, more than a second each`,
      meaning:
        'While the event loop stands still nothing is answered and nothing is received: nodes see timeouts.',
      look: [
        `\`rate(${others.processCpu}[1m])\` near 1: the process computes. Near 0: the machine gives it no time (limits of CPU, swap, suspend).`,
        `\`${others.eventLoopLag}\`, and the log, which says how long each time.`,
        'Code of your own that computes, or waits, without giving others their turn.',
      ],
      act: [
        'Give the machine time and memory. With many feeds or requests use several processes (`WORKERS`, [workers.md](workers.md)).',
        'Fewer feeds with series of their own (`METRICS_MAX_FEEDS`) make scrapes cheaper.',
      ],
    },
    {
      name: 'TickwellLoopReplaced',
      severity: 'warning',
      expr: `sum by (${ENDPOINT}, transport) (${grown(m.loopsReplaced, '15m')}) > 0`,
      summary: `${WHO}: a background pass of {{ $labels.adapter_endpoint }} ({{ $labels.transport }}) never ended, and was given up`,
      meaning:
        'A pass of a transport has not ended within twice `BACKGROUND_EXECUTE_TIMEOUT`. Another has taken its place, so prices go on; what hangs still holds what it had.',
      look: [
        'The log: which loop, and since when. `/live` names loops that hang.',
        'The adapter’s own code: a promise that is never settled, a request without a timeout.',
      ],
      act: [
        'Mend the code. Restart the service if it happens again and again: each time something is left behind.',
      ],
    },
    {
      name: 'TickwellLateThrow',
      severity: 'warning',
      expr: `sum by (${ADAPTER}, kind) (${grown(m.lateThrows, '15m')}) > 0`,
      summary:
        '{{ with $labels.app_name }}{{ . }}{{ else }}No adapter that can be named{{ end }} on {{ $labels.instance }}: {{ $labels.kind }} that nobody handled',
      meaning:
        'Code has thrown where nobody hears it (a promise without a handler, a timer, a listener). The adapter whose it was has been restarted inside the process ([health.md](health.md)).',
      look: ['The log, which has the error with its stack. `/live`: `restarted`, how often and why.'],
      act: ['Mend the code: it is a fault of the adapter, or of a package that it uses.'],
    },
    {
      name: 'TickwellPassesFail',
      severity: 'warning',
      expr: `sum by (${ENDPOINT}, transport) (${grown(m.bgExecuteErrors, '5m')} or ${grown(m.streamHandlerErrors, '5m')}) > 2 unless on (${ADAPTER}) sum by (${ADAPTER}) (${grown(m.wsConnectionAttempt, '5m')}) > 0`,
      summary: `${WHO}: background passes of {{ $labels.adapter_endpoint }} ({{ $labels.transport }}) fail`,
      meaning:
        'The background work of a transport fails again and again, so that it may subscribe to nothing and ask for nothing. Where a WebSocket cannot be opened, that has alerts of its own.',
      look: [
        'The log: the error of the transport.',
        `\`rate(${m.bgExecuteErrors}[5m])\` beside \`rate(${m.bgExecuteTotal}[5m])\`: all passes, or some?`,
      ],
      act: ['An error of the adapter’s code: mend it. One of Redis: see `TickwellRedisFails`.'],
    },
  ],
}

/** What runs out, and what is cut off so that nothing does. */
const limitAlerts: AlertGroup = {
  name: 'tickwell-limits',
  title: 'Limits',
  alerts: [
    {
      name: 'TickwellFeedsRefused',
      severity: 'warning',
      expr: `sum by (${ENDPOINT}, transport) (${grown(m.subscriptionsRefused, '10m')}) > 0`,
      summary: `${WHO}: {{ $labels.adapter_endpoint }} has as many feeds as it may`,
      meaning:
        'Requests for further feeds are answered with 504 and the reason `CAPACITY`. Those that are wanted go on.',
      look: [
        `\`${m.bgExecuteSubscriptionSetCount}\` beside \`SUBSCRIPTION_SET_MAX_ITEMS\`.`,
        'Who asks for so many? A client that makes up symbols looks like that.',
      ],
      act: [
        'Stop that client, or raise `SUBSCRIPTION_SET_MAX_ITEMS` ([bounds.md](bounds.md)) and give the process memory for it.',
      ],
    },
    {
      name: 'TickwellCacheFull',
      severity: 'warning',
      expr: `sum by (${ADAPTER}) (${grown(m.cacheOverflowCount, '10m')}) > 0`,
      summary: `${WHO}: {{ $value | humanize }} values were dropped from the full cache in ten minutes`,
      meaning:
        'There are more values than `CACHE_MAX_ITEMS`: the one that was renewed longest ago is dropped, although it is good, and its feed has no price.',
      look: ['How many feeds there are, and `CACHE_MAX_ITEMS`.'],
      act: ['Raise `CACHE_MAX_ITEMS` above the number of feeds, for all adapters that share the cache.'],
    },
    {
      name: 'TickwellBoundReached',
      severity: 'info',
      expr: `sum by (${ADAPTER}, bound) (${grown(m.boundsOverflow, '10m')}) > 0`,
      summary: `${WHO}: the bound {{ $labels.bound }} was reached {{ $value | humanize }} times in ten minutes`,
      meaning:
        'A list with a limit is full, so that something was left out or forgotten. What that means for each of them is in [bounds.md](bounds.md).',
      look: ['The row of [bounds.md](bounds.md) with this name in its last column.'],
      act: [
        'Mostly nothing: that is what the limit is for. If it goes on, find out who asks for or sends so much.',
      ],
    },
    {
      name: 'TickwellMemory',
      severity: 'warning',
      expr: `min_over_time(${others.heapUsed}[10m]) / ${others.heapLimit} > 0.8`,
      for: '5m',
      summary: `${WHERE}: {{ $value | humanizePercentage }} of the memory that Node.js may use is in use`,
      meaning:
        'The heap has not been below 80 % of its limit for ten minutes. At the limit the process ends.',
      look: [
        `\`${others.heapUsed}\` and \`${others.residentMemory}\` over days: has it grown slowly, or with the number of feeds?`,
        `\`${m.boundsOverflow}\`: what clients or providers send too much of.`,
      ],
      act: [
        'More memory: `NODE_OPTIONS=--max-old-space-size=<MiB>`, with as much for the container; or smaller limits ([bounds.md](bounds.md)).',
        'If it grows with nothing else growing, restart at a quiet time, and report it with the board’s picture.',
      ],
    },
    {
      name: 'TickwellOpenFiles',
      severity: 'warning',
      expr: `${others.openFiles} / ${others.maxFiles} > 0.8`,
      for: '2m',
      summary: `${WHERE}: {{ $value | humanizePercentage }} of the files and sockets that the process may have are open`,
      meaning: 'At the limit nobody can connect to the service, and it can connect to nobody.',
      look: [
        '`ss -tp` on the machine: whose connections are they? `bounds_overflow_total{bound="client_connections"}`.',
      ],
      act: [
        'Raise the limit (`ulimit -n`, `LimitNOFILE`, `ulimits` of compose), or stop the client that opens so many.',
      ],
    },
    {
      name: 'TickwellCertificateEnds',
      severity: 'warning',
      expr: `min by (job, instance, port) (${m.tlsCertificateEnd} - time()) < 14 * 86400`,
      summary:
        '{{ $labels.instance }}: the certificate of port {{ $labels.port }} ends in {{ $value | humanizeDuration }}',
      meaning: 'When it has ended, clients that check it can no longer connect.',
      look: [
        'The files of the certificate: has it been renewed, but not put there? The service reads them again by itself ([network.md](network.md)).',
      ],
      act: ['Renew the certificate. No restart is needed.'],
    },
    {
      name: 'TickwellRoomKeyEnds',
      severity: 'warning',
      expr: `min by (${ENDPOINT}) (${m.wsRoomKeyExpires} - time()) < 7 * 86400`,
      summary: `${WHO}: the key of {{ $labels.adapter_endpoint }} ends in {{ $value | humanizeDuration }}`,
      meaning:
        'The key that the adapter enters its room with expires. After that it can no longer log in (`KEY_EXPIRED`).',
      look: ['When the key was made, and for how long.'],
      act: ['Make a new key, set it, and restart.'],
    },
    {
      name: 'TickwellFeedLimitsRejected',
      severity: 'warning',
      expr: `sum by (${ADAPTER}) (${grown(m.feedLimitsRejected, '15m')}) > 0`,
      summary: `${WHO}: a change of FEED_LIMITS was not taken`,
      meaning:
        'The file that `FEED_LIMITS` names has changed into something that cannot be used, so that the limits before it go on. A feed that was to be withdrawn is still served.',
      look: ['The log, or `feedLimits` in `/status`: what is wrong with the file.'],
      act: ['Correct the file ([limits.md](limits.md)). It is read again by itself.'],
    },
  ],
}

/** Processes and what they share. */
const serviceAlerts: AlertGroup = {
  name: 'tickwell-processes',
  title: 'Processes and Redis',
  alerts: [
    {
      name: 'TickwellProcessDown',
      severity: 'critical',
      expr: `${others.serviceProcessUp} == 0`,
      for: '30s',
      summary: '{{ $labels.instance }}: the process {{ $labels.process }} does not answer',
      meaning:
        'One of several processes has not answered for half a minute. Without the writer no new prices come; without a worker the others have its requests.',
      look: [
        'The log of the supervisor: did it die, or does it hang? `/live` and `/ready` name it (`silent`).',
        'Memory and CPU of the machine.',
      ],
      act: [
        'The supervisor ends and replaces it by itself ([workers.md](workers.md)). If the new one does not come up, its log says why.',
      ],
    },
    {
      name: 'TickwellProcessRestarts',
      severity: 'warning',
      expr: `sum by (${PROCESS}) (increase(${others.serviceProcessRestarts}[15m])) > 0`,
      summary:
        '{{ $labels.instance }}: the process {{ $labels.process }} has died {{ $value | humanize }} times in fifteen minutes',
      meaning: 'A worker or the writer has died, or was ended because it did not answer, and was replaced.',
      look: [
        `The log of the supervisor. \`${others.serviceProcessSilences}\`: was it ended because it hung?`,
        'Was it the memory? The kernel’s log names what it has killed.',
      ],
      act: ['Once: keep the log. Again and again: the cause is in the last lines of the process that died.'],
    },
    {
      name: 'TickwellRestarts',
      severity: 'warning',
      expr: `max by (job, instance) (changes(${m.adapterStarted}[30m])) > 2`,
      summary: '{{ $labels.instance }}: the service has been started {{ $value }} times in half an hour',
      meaning: 'The service ends and is started again and again. Each start begins without prices.',
      look: [
        'The last lines of the log before each end, and the exit code.',
        'Whatever restarts it: a health check that fails? Does it ask `/live`, and not `/ready`?',
      ],
      act: [
        'Act on what the log says; settings that are refused are named there, all at once (`tickwell check`).',
      ],
    },
    {
      name: 'TickwellRedisFails',
      severity: 'critical',
      expr: `sum by (${ADAPTER}) (${grown(`${m.redisCommandsSentCount}{status!="SUCCESS"}`, '2m')}) > 0`,
      for: '30s',
      summary: `${WHO}: Redis takes no commands`,
      meaning:
        'Commands to Redis fail or time out. A writer’s prices do not reach its readers, which serve what they have until that ends.',
      look: [
        `\`sum by (function_name, status) (rate(${m.redisCommandsSentCount}[2m]))\`, \`rate(${m.redisRetriesCount}[2m])\`: is it out of reach, or slow?`,
        'Redis itself: `redis-cli ping`, its memory and its log.',
      ],
      act: ['Bring Redis back. The service connects again and writes everything anew by itself.'],
    },
  ],
}

export const processAlerts = [workAlerts, limitAlerts, serviceAlerts]
