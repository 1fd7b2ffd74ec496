import { feedAlerts } from './feed-alerts'
import { processAlerts } from './process-alerts'
import { providerAlerts } from './provider-alerts'

/** Every alert there is, by group: the one source of the rules and of the runbook. */
export const alertGroups = [feedAlerts, providerAlerts, ...processAlerts]

export const alerts = alertGroups.flatMap(({ alerts }) => alerts)
