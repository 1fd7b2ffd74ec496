import { validator } from '../validation/validators'
import { share } from './share'
import { type SettingsDefinitionMap } from './setting-types'

/**
 * Settings that decide which values may be served, by the guards and the freshness, and which must be for the service to be ready. They are
 * not part of the reference framework.
 */
export const valueSettings = {
  GUARD_POLICY: {
    description:
      'What becomes of values that a guard is against: refused (enforce), served and counted (report), not looked at (off). ' +
      'Default: enforce where an endpoint declares guards or freshness, else report',
    type: 'enum',
    options: ['enforce', 'report', 'off'],
  },
  FRESHNESS_MAX_AGE: {
    description:
      "How old a value may be by the provider's time, or how long its last confirmation may be ago (ms). " +
      'Default: what the endpoint declares',
    type: 'number',
    validate: validator.integer({ min: 1, max: 31_536_000_000 }),
  },
  FRESHNESS_HARD_MAX_AGE: {
    description:
      "How old a value may be by the provider's time although the provider confirms it (ms). Default: what the endpoint declares",
    type: 'number',
    validate: validator.integer({ min: 1, max: 31_536_000_000 }),
  },
  FEED_LIMITS: {
    description:
      'Limits of single feeds, or feeds withdrawn: JSON, or the path of a file with it, which is read again when it changes (docs/limits.md)',
    type: 'string',
    sensitive: false,
  },
  READY_ESSENTIAL_FEEDS: {
    description:
      'Feeds without which the service is not ready: a JSON list of requests, which are kept wanted, and of patterns as FEED_LIMITS has them (docs/health.md)',
    type: 'string',
    sensitive: false,
  },
  READY_MIN_FRESH_SHARE: {
    description:
      'The service is not ready while an endpoint has a smaller share of its wanted feeds fresh; 0: that has no say',
    type: 'number',
    default: 0,
    validate: share({ orZero: true }),
  },
} as const satisfies SettingsDefinitionMap
