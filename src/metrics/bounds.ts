import { metrics } from './registry'

/** The lists with a limit that no other metric tells of, as docs/bounds.md has them. */
export type Bound =
  | 'batch_requests'
  | 'client_connections'
  | 'composite_feeds'
  | 'connection_labels'
  | 'ended_feed_metrics'
  | 'failing_requests'
  | 'known_feeds'
  | 'known_spellings'
  | 'last_good_values'
  | 'left_symbols'
  | 'metric_series'
  | 'provider_hosts'
  | 'quarantined_feeds'
  | 'rate_limit_waiters'
  | 'remembered_requests'
  | 'reverse_mappings'
  | 'shared_subscriptions'
  | 'told_feeds'
  | 'waiting_clients'
  | 'writer_questions'

/**
 * Counts what had no room in a list with a limit, or left it because something newer came. It is for what happens at the limit, and not
 * before: it costs as much as any metric with a label.
 */
export const overflowed = (bound: Bound, count = 1): void => {
  metrics.getMetricsDefinition()?.boundsOverflow.labels({ bound }).inc(count)
}

/** For an `lru-cache`: counts what is dropped for something newer. */
export const overflowing =
  (bound: Bound) =>
  (_value: unknown, _key: unknown, reason: string): void => {
    if (reason === 'evict') overflowed(bound)
  }
