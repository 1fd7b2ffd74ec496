/** The lines of the trial about feeds and connections that are dead in silence; their names are short. */
import { connectionLines } from './alive-connection-lines.mjs'
import { httpLines } from './alive-http-lines.mjs'
import { subscriptionLines } from './alive-subscription-lines.mjs'

export const aliveLines = [...subscriptionLines, ...connectionLines, ...httpLines]
