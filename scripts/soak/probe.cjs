/**
 * Loaded into a process before anything else (`NODE_OPTIONS=--require=<this file>`). Every SOAK_EVERY_MS it appends to the file SOAK_FILE, as
 * a line of JSON, what the process holds: the heap after a forced collection, timers, sockets, other handles, and how late the event loop
 * was. SOAK_LEAK (`heap`, `timers`, `sockets`, `handles` or `lag`) makes it grow, to see whether that is noticed.
 */
'use strict'

const { appendFileSync } = require('node:fs')
const { performance } = require('node:perf_hooks')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')

const { SOAK_FILE, SOAK_EVERY_MS, SOAK_LEAK } = process.env
const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
const real = { setTimeout, setInterval, clearTimeout, clearInterval }
/** How long the event loop may be held at a time, in ms, at most. */
const MOST_HELD_MS = 1_000

/** Timers that wait, those among them that do not keep the process alive. They are not in what Node tells of itself. */
const timers = new Set()
const noteTimers = () => {
  const noted = (make, isOnce) =>
    Object.assign((callback, ms, ...args) => {
      const run = (...given) => {
        if (isOnce) timers.delete(timer)
        return callback(...given)
      }
      const timer = make(run, ms, ...args)
      timers.add(timer)
      return timer
    }, make)
  const cleared = (clear) => (timer) => {
    timers.delete(timer)
    clear(timer)
  }
  globalThis.setTimeout = noted(real.setTimeout, true)
  globalThis.setInterval = noted(real.setInterval, false)
  globalThis.clearTimeout = cleared(real.clearTimeout)
  globalThis.clearInterval = cleared(real.clearInterval)
}

const collector = () => {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}

const leaked = []
/** Samples so far. */
let taken = 0
const leaks = {
  heap: () => void leaked.push(Array.from({ length: 2_000 }, (_, at) => ({ at }))),
  timers: () => void globalThis.setTimeout(() => {}, 86_400_000).unref(),
  sockets: () => {
    const { connect, createServer } = require('node:net')
    leaks.server ??= createServer((socket) => leaked.push(socket)).listen(0, '127.0.0.1')
    const address = leaks.server.address()
    if (address !== null) leaked.push(connect(address.port, '127.0.0.1'))
  },
  handles: () => void leaked.push(require('node:dgram').createSocket('udp4').bind(0, '127.0.0.1')),
  lag: () => {
    const end = performance.now() + Math.min(taken * 10, MOST_HELD_MS)
    while (performance.now() < end);
  },
}

const BEAT_MS = 20

/** How late the event loop is: nine of ten beats are on time within what it gives. */
const metronome = () => {
  let [dueMs, late] = [performance.now() + BEAT_MS, []]
  const overdueMs = () => Math.max(0, performance.now() - dueMs)
  const beat = () => {
    late.push(overdueMs())
    dueMs = performance.now() + BEAT_MS
  }
  real.setInterval(beat, BEAT_MS).unref()
  return {
    lagMs: () => {
      late.push(overdueMs())
      return late.sort((a, b) => a - b)[Math.floor(late.length * 0.9)]
    },
    /** What came before is not counted. */
    restart: () => {
      dueMs = performance.now() + BEAT_MS
      late = []
    },
  }
}

const install = () => {
  noteTimers()
  const collect = collector()
  const beats = metronome()
  const sample = () => {
    taken++
    const lagMs = beats.lagMs()
    collect()
    collect()
    const resources = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout')
    const sockets = resources.filter((name) => name === 'TCPSocketWrap').length
    const held = { heap: process.memoryUsage().heapUsed, timers: timers.size, sockets }
    const line = {
      pid: process.pid,
      atMs: performance.now(),
      ...held,
      handles: resources.length - sockets,
      lagMs,
    }
    appendFileSync(SOAK_FILE, `${JSON.stringify(line)}\n`)
    // What the collection took is not the service's.
    beats.restart()
  }
  const everyMs = Number(SOAK_EVERY_MS)
  real.setInterval(sample, everyMs).unref()
  if (SOAK_LEAK !== undefined) real.setInterval(leaks[SOAK_LEAK], Math.max(20, everyMs / 5)).unref()
}

if (SOAK_FILE !== undefined) install()
