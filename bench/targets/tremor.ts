/** Loads the transport of Tremor, as a process does that runs one of its adapters, and then has nothing to do. */
import path from 'node:path'
import { argument, reportListening } from './control'

// eslint-disable-next-line @typescript-eslint/no-require-imports -- which package is decided by an argument
require(path.join(argument('package'), 'protocols/tremor'))
// What was put off until the code before it has run counts as well.
setImmediate(() => reportListening(0))
