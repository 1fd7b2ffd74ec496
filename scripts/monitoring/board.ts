import { alerts } from './alerts'
import { m, others } from './names'

interface Query {
  expr: string
  legend: string
}

interface Panel {
  title: string
  description: string
  type: 'timeseries' | 'stat' | 'table'
  unit: 'short' | 's' | 'ms' | 'reqps' | 'percentunit' | 'bytes' | 'none'
  queries: readonly Query[]
}

interface Row {
  title: string
  panels: readonly Panel[]
}

/** What is chosen at the top of the board. */
const ADAPTERS = 'job=~"$job", instance=~"$instance", app_name=~"$adapter"'
const SERVICES = 'job=~"$job", instance=~"$instance"'
const NAMED = '{{app_name}} {{instance}}'
const WITH_ENDPOINT = `${NAMED} {{adapter_endpoint}}`
const BY = 'instance, app_name'

const of = (metric: string, more = '') => `${metric}{${ADAPTERS}${more}}`
const ofService = (metric: string) => `${metric}{${SERVICES}}`
const rate = (metric: string, by: string, more = '') =>
  `sum by (${BY}${by}) (rate(${of(metric, more)}[$__rate_interval]))`

const quantile = (share: number, metric: string) =>
  `histogram_quantile(${share}, sum by (instance, le) (rate(${ofService(`${metric}_bucket`)}[$__rate_interval])))`

const pricesRow: Row = {
  title: 'Prices',
  panels: [
    {
      title: 'Feeds without a price',
      description: 'Of all that were asked for in the last hour, whether or not anybody still does.',
      type: 'stat',
      unit: 'none',
      queries: [
        {
          expr: `count by (${BY}) (${of(m.feedUp)} == 0) or 0 * count by (${BY}) (${of(m.feedUp)})`,
          legend: NAMED,
        },
      ],
    },
    {
      title: 'Alerts that fire',
      description: 'What each of them means is in docs/runbook.md.',
      type: 'table',
      unit: 'none',
      queries: [
        {
          expr: `ALERTS{alertstate="firing", alertname=~"${alerts.map(({ name }) => name).join('|')}"}`,
          legend: '{{alertname}}',
        },
      ],
    },
    {
      title: 'Feeds that are down',
      description: 'Each feed for which there is no good value.',
      type: 'table',
      unit: 'none',
      queries: [{ expr: `${of(m.feedUp)} == 0`, legend: '{{feed_id}}' }],
    },
    {
      title: 'Oldest feeds',
      description:
        'Age of the last good value of the ten feeds whose is oldest, whether or not it is served.',
      type: 'timeseries',
      unit: 's',
      queries: [{ expr: `topk(10, ${of(m.feedAgeSeconds)})`, legend: '{{app_name}} {{feed_id}}' }],
    },
    {
      title: 'Wanted feeds',
      description: 'Feeds that somebody has asked for recently, by endpoint.',
      type: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: `sum by (${BY}, adapter_endpoint) (${of(m.bgExecuteSubscriptionSetCount)})`,
          legend: WITH_ENDPOINT,
        },
      ],
    },
  ],
}

const answersRow: Row = {
  title: 'Answers',
  panels: [
    {
      title: 'Answers by status',
      description: 'What nodes get.',
      type: 'timeseries',
      unit: 'reqps',
      queries: [{ expr: rate(m.httpRequestsTotal, ', status_code'), legend: `${NAMED} {{status_code}}` }],
    },
    {
      title: 'Time to answer',
      description: 'From a request to its answer. Requests for a feed that has no value yet wait for it.',
      type: 'timeseries',
      unit: 's',
      queries: [
        { expr: quantile(0.5, m.httpRequestDurationSeconds), legend: 'half, {{instance}}' },
        { expr: quantile(0.99, m.httpRequestDurationSeconds), legend: '99 of 100, {{instance}}' },
      ],
    },
  ],
}

const providersRow: Row = {
  title: 'Data providers',
  panels: [
    {
      title: 'Open WebSockets',
      description: 'Transports that have an open connection in use.',
      type: 'timeseries',
      unit: 'short',
      queries: [{ expr: `sum by (${BY}) (${of(m.wsConnectionActive)})`, legend: NAMED }],
    },
    {
      title: 'Attempts, ends and errors of WebSockets',
      description: 'A healthy connection makes none.',
      type: 'timeseries',
      unit: 'short',
      queries: [
        { expr: `sum by (${BY}) (increase(${of(m.wsConnectionAttempt)}[5m]))`, legend: `attempts, ${NAMED}` },
        {
          expr: `sum by (${BY}, code) (increase(${of(m.wsConnectionClosures)}[5m]))`,
          legend: `ended with {{code}}, ${NAMED}`,
        },
        {
          expr: `sum by (${BY}, message) (increase(${of(m.wsConnectionErrors)}[5m]))`,
          legend: `{{message}}, ${NAMED}`,
        },
      ],
    },
    {
      title: 'WebSocket messages',
      description: 'By direction.',
      type: 'timeseries',
      unit: 'reqps',
      queries: [{ expr: rate(m.wsMessageTotal, ', direction'), legend: `${NAMED} {{direction}}` }],
    },
    {
      title: 'Values refused and reported',
      description: 'By the reason of the guard.',
      type: 'timeseries',
      unit: 'reqps',
      queries: [
        { expr: rate(m.dataRefused, ', reason'), legend: `refused: {{reason}}, ${NAMED}` },
        { expr: rate(m.dataReported, ', reason'), legend: `served, reported: {{reason}}, ${NAMED}` },
      ],
    },
    {
      title: 'HTTP requests to providers',
      description: 'By the status of the answer.',
      type: 'timeseries',
      unit: 'reqps',
      queries: [
        {
          expr: rate(m.dataProviderRequests, ', provider_status_code'),
          legend: `${NAMED} {{provider_status_code}}`,
        },
      ],
    },
    {
      title: 'Time providers take to answer',
      description: 'HTTP requests.',
      type: 'timeseries',
      unit: 's',
      queries: [
        { expr: quantile(0.5, m.dataProviderRequestDurationSeconds), legend: 'half, {{instance}}' },
        { expr: quantile(0.99, m.dataProviderRequestDurationSeconds), legend: '99 of 100, {{instance}}' },
      ],
    },
    {
      title: 'Demand within the rate limit',
      description: 'Above 1 values end before they can be asked for again.',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [
        { expr: `max by (${BY}, adapter_endpoint) (${of(m.providerDemandRatio)})`, legend: WITH_ENDPOINT },
      ],
    },
    {
      title: 'Provider requests that wait, hosts that fail',
      description: 'What waits for its turn, and hosts that get single requests because they fail.',
      type: 'timeseries',
      unit: 'short',
      queries: [
        { expr: `sum by (${BY}) (${of(m.requesterQueueSize)})`, legend: `waiting, ${NAMED}` },
        { expr: `sum by (${BY}) (${of(m.providerHostsFailing)})`, legend: `hosts that fail, ${NAMED}` },
      ],
    },
    {
      title: 'Moves to another source',
      description: 'URLs of WebSockets that were left, and feeds of composite transports that moved.',
      type: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: `sum by (${BY}, reason) (increase(${of(m.wsUrlSwitches)}[5m]))`,
          legend: `URL: {{reason}}, ${NAMED}`,
        },
        {
          expr: `sum by (${BY}, from, to) (increase(${of(m.sourceSwitches)}[5m]))`,
          legend: `{{from}} to {{to}}, ${NAMED}`,
        },
      ],
    },
  ],
}

const processRow: Row = {
  title: 'Process',
  panels: [
    {
      title: 'CPU',
      description: '1 is one core. Code runs on one.',
      type: 'timeseries',
      unit: 'percentunit',
      queries: [
        {
          expr: `rate(${ofService(others.processCpu)}[$__rate_interval])`,
          legend: '{{instance}} {{process}}',
        },
      ],
    },
    {
      title: 'Memory',
      description: 'Of the process, and of the heap with its limit.',
      type: 'timeseries',
      unit: 'bytes',
      queries: [
        { expr: ofService(others.residentMemory), legend: 'process, {{instance}} {{process}}' },
        { expr: ofService(others.heapUsed), legend: 'heap, {{instance}} {{process}}' },
        { expr: ofService(others.heapLimit), legend: 'its limit, {{instance}} {{process}}' },
      ],
    },
    {
      title: 'Event loop',
      description: 'How late it is, and how often it stood still for more than a second.',
      type: 'timeseries',
      unit: 's',
      queries: [
        { expr: ofService(others.eventLoopLag), legend: 'late by, {{instance}} {{process}}' },
        {
          expr: `increase(${ofService(m.eventLoopStalls)}[5m])`,
          legend: 'stood still (times), {{instance}} {{process}}',
        },
      ],
    },
    {
      title: 'What went wrong inside',
      description: 'All of it is 0 in good health.',
      type: 'timeseries',
      unit: 'short',
      queries: [
        {
          expr: `sum by (${BY}) (increase(${of(m.bgExecuteErrors)}[5m]))`,
          legend: `passes that failed, ${NAMED}`,
        },
        {
          expr: `sum by (${BY}) (increase(${of(m.loopsReplaced)}[5m]))`,
          legend: `passes given up, ${NAMED}`,
        },
        {
          expr: `sum by (instance) (increase(${ofService(m.lateThrows)}[5m]))`,
          legend: 'thrown late, {{instance}}',
        },
        {
          expr: `sum by (${BY}, bound) (increase(${of(m.boundsOverflow)}[5m]))`,
          legend: `bound {{bound}}, ${NAMED}`,
        },
        {
          expr: `sum by (${BY}) (increase(${of(m.subscriptionsRefused)}[5m]))`,
          legend: `feeds refused, ${NAMED}`,
        },
        {
          expr: `sum by (instance) (increase(${ofService(m.clockSteps)}[5m]))`,
          legend: 'clock steps, {{instance}}',
        },
      ],
    },
    {
      title: 'Processes of a service',
      description: 'With several workers: which of them answer, and how often one died.',
      type: 'timeseries',
      unit: 'short',
      queries: [
        { expr: ofService(others.serviceProcessUp), legend: '{{process}} up, {{instance}}' },
        {
          expr: `increase(${ofService(others.serviceProcessRestarts)}[15m])`,
          legend: '{{process}} died, {{instance}}',
        },
      ],
    },
    {
      title: 'Redis',
      description: 'Commands by outcome, and attempts to connect again.',
      type: 'timeseries',
      unit: 'reqps',
      queries: [
        { expr: rate(m.redisCommandsSentCount, ', status'), legend: `{{status}}, ${NAMED}` },
        { expr: rate(m.redisRetriesCount, ''), legend: `connecting again, ${NAMED}` },
      ],
    },
  ],
}

const rows = [pricesRow, answersRow, providersRow, processRow]

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const WIDTH = 24
const PANEL = { w: 8, h: 8 }

const target = ({ expr, legend }: Query, index: number, type: Panel['type']) => ({
  refId: String.fromCharCode(65 + index),
  datasource: DATASOURCE,
  expr,
  legendFormat: legend,
  // What is the case now needs one sample each.
  ...(type === 'table' && { format: 'table', instant: true }),
})

const panelOf = (
  { title, description, type, unit, queries }: Panel,
  index: number,
  top: number,
  id: number,
) => ({
  id,
  title,
  description,
  type,
  datasource: DATASOURCE,
  gridPos: {
    x: (index * PANEL.w) % WIDTH,
    y: top + Math.floor((index * PANEL.w) / WIDTH) * PANEL.h,
    ...PANEL,
  },
  fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
  targets: queries.map((query, at) => target(query, at, type)),
})

const variable = (name: string, label: string, query: string) => ({
  name,
  label,
  type: 'query',
  datasource: DATASOURCE,
  query: { query, refId: name },
  refresh: 2,
  includeAll: true,
  multi: true,
  current: { text: 'All', value: '$__all' },
})

/** The board, as Grafana imports it. */
export const board = () => {
  const panels: object[] = []
  let top = 0
  for (const { title, panels: own } of rows) {
    panels.push({
      id: panels.length + 1,
      title,
      type: 'row',
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: top, w: WIDTH, h: 1 },
    })
    top += 1
    own.forEach((panel, index) => panels.push(panelOf(panel, index, top, panels.length + 1)))
    top += Math.ceil((own.length * PANEL.w) / WIDTH) * PANEL.h
  }
  return {
    uid: 'tickwell',
    title: 'Tickwell',
    description: 'Generated from scripts/monitoring: npm run monitoring',
    tags: ['tickwell'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} },
        variable('job', 'Job', `label_values(${m.adapterStarted}, job)`),
        variable('instance', 'Instance', `label_values(${m.adapterStarted}{job=~"$job"}, instance)`),
        variable('adapter', 'Adapter', `label_values(${m.adapterStarted}{${SERVICES}}, app_name)`),
      ],
    },
    panels,
  }
}
