/** The venue in a process of its own, with the rules and kinds that its argument has; its parent tells it what to do, and asks what it saw. */
import { performance } from 'node:perf_hooks'
import { Venue } from './venue.mjs'

const { numbers, kinds } = JSON.parse(process.argv[2])
const venue = new Venue(numbers, kinds, { nowMs: () => performance.now() })
await venue.start()
process.send(venue.url)
process.on('message', (told) => {
  if (told === 'restart') venue.restart()
  if (told === 'report') process.send(venue.report())
})
process.on('disconnect', () => process.exit())
