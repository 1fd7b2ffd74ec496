/** What each kind of step does in a world. Each says whether it has had an effect: who is not connected cannot be cut. */
import { pause } from '../outside/waiting.mjs'
import { endpointOf, symbolOf } from './model.mjs'

/** By how much two ticks differ that come in the wrong order. */
const REORDERED_MS = 40
const SIEGE_ROUNDS = 15
const SIEGE_EVERY_MS = 250
const BURST = 12
const BURST_MS = 60
/** After the mistake of an author its adapter may be started anew. */
const ANEW_WITHIN_MS = 3_000

const providerOf = ({ providers }, { endpoint, feed }) => providers[endpoint ?? endpointOf(feed)]
const tick = (world, step, quote) => providerOf(world, step).tick(symbolOf(step.feed), quote)

/** The next handshake comes to this; there is one soon, because all connections end. */
const handshake = (world, step) => {
  const provider = providerOf(world, step)
  provider.next.push(step.do)
  provider.cut()
}

/** The provider counts it, when the poll comes. */
const poll = (world, step) => void world.providers.http.next.push(step)

const clock = async (world, { byMs }) => {
  if (!world.mayStep) return false
  await world.setClock(byMs)
  return true
}

const killed = async (world, name) => {
  await world.rightClock()
  world.model.disturbed(world.now())
  world.allowLosses()
  return world.signal(name, 'SIGKILL')
}

const honest = (world, step) => tick(world, step, world.values.honest())

/** For longer than a value lives, a refused one is confirmed, which says nothing of the good one before it. Other steps go on meanwhile. */
const besiege = async (world, step) => {
  await pause(REORDERED_MS)
  tick(world, step, world.values.none(step.json))
  for (let rounds = 0; rounds < SIEGE_ROUNDS; rounds++) {
    await pause(SIEGE_EVERY_MS)
    world.providers.batched.confirm(symbolOf(step.feed))
    void world.ask(step.feed)
  }
}

/** While it is watched how long a value lives, nothing may end it. */
const ends = ({ do: kind, endpoint, feed }) =>
  ['clock-back', 'clock-ahead', 'suspend', 'writer-killed'].includes(kind) ||
  (endpoint === 'batched' && !['heartbeat', 'tick-stranger', 'frame-malformed'].includes(kind)) ||
  (kind === 'subscription-forgotten' && endpointOf(feed) === 'batched')

/** @returns whether something happened */
export const act = (world, step) => {
  if (world.isBesieged && ends(step)) return false
  return actions[step.do](world, step)
}

const actions = {
  'tick-honest': honest,
  'tick-quiet': (world, step) => !world.isBesieged && honest(world, step),
  'tick-duplicate': (world, step) => providerOf(world, step).again(symbolOf(step.feed)),
  'tick-reordered'(world, step) {
    const earlier = world.values.honest(-REORDERED_MS)
    tick(world, step, world.values.honest())
    return tick(world, step, earlier)
  },
  'tick-backdated': (world, step) => tick(world, step, world.values.honest(-step.byMs)),
  'tick-future': (world, step) => tick(world, step, world.values.honest(step.byMs)),
  'tick-text': (world, step) => tick(world, step, world.values.text()),
  'tick-no-number': (world, step) => tick(world, step, world.values.none(step.json)),
  'tick-outside': (world, step) => tick(world, step, world.values.none(step.json)),
  'tick-timeless': (world, step) => tick(world, step, world.values.timeless()),
  'tick-stranger': (world, step) =>
    providerOf(world, step).say(JSON.stringify({ symbol: 'STRANGER', result: 1, time: world.now() })),
  'refused-then-confirmed'(world, step) {
    if (world.isBesieged || !honest(world, step)) return false
    world.beside(besiege(world, step))
    return true
  },
  confirmed: (world, step) => world.providers.batched.confirm(symbolOf(step.feed)),
  heartbeat: (world) => world.providers.batched.say('{"isAlive":true}'),
  'frame-malformed': (world, step) => providerOf(world, step).say('{"symbol":"A","result":'),
  'frame-huge': (world, step) => providerOf(world, step).huge(),
  close: (world, step) => providerOf(world, step).end(step.code),
  cut: (world, step) => providerOf(world, step).cut(),
  'half-open': (world, step) => providerOf(world, step).freeze(),
  'refused-503': handshake,
  'refused-429': handshake,
  'refused-429-retry-after': handshake,
  'handshake-slow': handshake,
  'handshake-unanswered': handshake,
  'subscription-forgotten': (world, step) => providerOf(world, step).forget(symbolOf(step.feed)),
  'subscription-unanswered'(world, step) {
    const provider = providerOf(world, step)
    provider.nextSubscriptions.push(step.do)
    provider.cut()
  },
  'late-failure'(world) {
    if (!world.providers.ws.say('{"late":"rejection"}')) return false
    world.model.reborn(world.now() + ANEW_WITHIN_MS)
    return true
  },
  'poll-429': poll,
  'poll-429-retry-after': poll,
  'poll-500': poll,
  'poll-html': poll,
  'poll-malformed': poll,
  'poll-huge': poll,
  'poll-cut': poll,
  'poll-hung': poll,
  'poll-no-number': poll,
  'poll-outside': poll,
  'poll-backdated': poll,
  'poll-future': poll,
  'poll-text': poll,
  'clock-back': clock,
  'clock-ahead': clock,
  async suspend(world, { forMs }) {
    await world.sleep(forMs)
    return true
  },
  async restart(world) {
    await world.restart()
    return true
  },
  'worker-killed': (world, { worker }) => killed(world, `worker-${worker}`),
  async 'writer-killed'(world) {
    world.starting()
    return killed(world, 'writer')
  },
  'worker-stopped'(world, { worker }) {
    world.allowLosses()
    return world.signal(`worker-${worker}`, 'SIGSTOP')
  },
  async burst(world, { feed }) {
    await Promise.race([Promise.all(Array.from({ length: BURST }, () => world.ask(feed))), pause(BURST_MS)])
    return true
  },
  async silence(_world, { forMs }) {
    await pause(forMs)
    return true
  },
  async wait(_world, { forMs }) {
    await pause(forMs)
    return true
  },
}
