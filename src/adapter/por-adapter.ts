import { type AdapterResponse } from '../feeds/responses'
import { type AdapterConfig, emptyConfig } from '../config/adapter-config'
import { type BaseAdapterSettings, type SettingsDefinitionMap } from '../config/settings'
import { overflowed } from '../metrics/bounds'
import { metrics } from '../metrics/registry'
import { type AdapterRequest } from '../transports/transport'
import { memberOf, withoutUndefined } from '../util/objects'
import { type EmptyInputParameters } from '../validation/input-parameters'
import { Adapter } from './adapter'
import { type AdapterParams } from './params'
import {
  PoRAddressEndpoint,
  PoRBalanceEndpoint,
  PoRProviderEndpoint,
  PoRTokenAddressEndpoint,
  PoRTotalBalanceEndpoint,
} from './por-endpoints'

const BALANCE_ENDPOINTS = [PoRBalanceEndpoint, PoRTotalBalanceEndpoint]
const POR_ENDPOINTS = [...BALANCE_ENDPOINTS, PoRAddressEndpoint, PoRProviderEndpoint, PoRTokenAddressEndpoint]

/** Reading the balances of many addresses takes long (contract 3.3). */
const PATIENT_DEFAULTS = {
  BACKGROUND_EXECUTE_TIMEOUT: 180_000,
  API_TIMEOUT: 60_000,
  CACHE_MAX_AGE: 360_000,
} as const satisfies Partial<BaseAdapterSettings>

/** The author's config with these defaults added. The author's own defaults take precedence. */
const patient = <T extends SettingsDefinitionMap>(
  config: AdapterConfig<T> = emptyConfig(),
): AdapterConfig<T> => {
  const own = withoutUndefined(config.options?.envDefaultOverrides ?? {})
  const envDefaultOverrides = { ...PATIENT_DEFAULTS, ...own }
  config.options = { ...config.options, envDefaultOverrides }
  return config
}

const isOneOf = (
  endpoint: unknown,
  kinds: readonly (abstract new (...args: never[]) => unknown)[],
): boolean => kinds.some((kind) => endpoint instanceof kind)

/** An adapter of proof-of-reserves endpoints. It has longer time limits, and measures how many addresses are requested (contract 3.3). */
export class PoRAdapter<T extends SettingsDefinitionMap = SettingsDefinitionMap> extends Adapter<T> {
  /** The ids of feeds that have a series of their own. */
  private readonly measured = new Set<string>()

  constructor(params: AdapterParams<T>) {
    super({ ...params, config: patient(params.config) })
    if (!this.endpoints.some((endpoint) => isOneOf(endpoint, POR_ENDPOINTS)))
      throw new Error("This PoRAdapter's list of endpoints does not contain a valid PoR endpoint")
  }

  override async handleRequest(
    req: AdapterRequest<EmptyInputParameters>,
    replySent: Promise<unknown>,
  ): Promise<Readonly<AdapterResponse>> {
    this.measure(req)
    return super.handleRequest(req, replySent)
  }

  /** An answer from the cache may skip the measurement, because an earlier request measured the same addresses of the same feed. */
  protected override get kind() {
    return PoRAdapter
  }

  private measure({ requestContext }: AdapterRequest<EmptyInputParameters>): void {
    const addresses = memberOf(requestContext.data, 'addresses')
    if (!isOneOf(this.endpointsMap[requestContext.endpointName], BALANCE_ENDPOINTS)) return
    if (!Array.isArray(addresses)) return
    const feedId = requestContext.meta?.metrics?.feedId ?? 'N/A'
    metrics
      .get('porBalanceAddressLength')
      .set({ app_name: this.name, feed_id: this.hasSeries(feedId) ? feedId : 'other' }, addresses.length)
  }

  /** OB-1: clients write as many feeds as they like. */
  private hasSeries(feedId: string): boolean {
    if (this.measured.has(feedId)) return true
    if (this.measured.size < this.settings.METRICS_MAX_FEEDS) {
      this.measured.add(feedId)
      return true
    }
    overflowed('metric_series')
    return false
  }
}
