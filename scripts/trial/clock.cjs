/**
 * Loaded into a process before anything else (`NODE_OPTIONS=--require=<this file>`), and by that into the processes that it starts. Moves
 * the wall clock of the process by what the file that TRIAL_CLOCK names says, while the process runs; `wall-clock.mjs` writes that file.
 * `process.hrtime`, `performance.now` and all timers stay as they are: nothing ever sets those.
 *
 * The file holds two doubles, in ms: by how much the clock has been set, and for how long the machine has slept.
 */
'use strict'

const { openSync, readSync } = require('node:fs')

/** The file is looked at when somebody asks for the time, and not more often than this. */
const LOOK_EVERY_NS = 20_000_000n

const install = (path) => {
  const file = openSync(path, 'r')
  const bytes = Buffer.alloc(16)
  const RealDate = Date
  const realNow = Date.now
  const hrtime = process.hrtime.bigint
  let movedMs = 0
  let lookedAt = -LOOK_EVERY_NS

  const look = () => {
    const now = hrtime()
    if (now - lookedAt < LOOK_EVERY_NS) return
    lookedAt = now
    if (readSync(file, bytes, 0, 16, 0) === 16) movedMs = bytes.readDoubleLE(0) + bytes.readDoubleLE(8)
  }
  const now = () => {
    look()
    return realNow() + movedMs
  }
  const TrialDate = new Proxy(RealDate, {
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    apply: () => new RealDate(now()).toString(),
  })
  RealDate.now = now
  RealDate.prototype.constructor = TrialDate
  globalThis.Date = TrialDate
}

if (process.env.TRIAL_CLOCK !== undefined) install(process.env.TRIAL_CLOCK)
