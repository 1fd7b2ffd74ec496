/** What a world is to be like once faults have stopped. */
import { endpointOf, symbolOf } from './model.mjs'
import { POISON, UNLISTED } from './plan.mjs'

/** What is wrong with the answer for a feed, once no fault has happened since `healedMs`; empty where it is settled. */
export const unsettled = (world, answer, healedMs) => {
  const { feed, status, reason } = answer
  const got = [`${feed}: ${answer.lost ?? status} ${reason ?? ''}`]
  if (feed === POISON && !world.isHeld('batched')) return reason === 'QUARANTINED' ? [] : got
  if (feed === UNLISTED && !world.isHeld('batched')) return status === 502 ? [] : got
  if (world.model.isSince(answer, healedMs)) return []
  return world.isHeld(endpointOf(feed)) && reason !== undefined ? [] : got
}

/** SB-1, CN-6: what is wrong with what is subscribed, as the providers see it. */
export const missubscribed = (world) => {
  const wrong = []
  const endpoints = new Set(world.plan.asked.map(endpointOf))
  for (const name of ['ws', 'batched', 'sse'].filter((one) => endpoints.has(one) && !world.isHeld(one))) {
    const { working } = world.providers[name]
    if (name === 'sse' && working.length !== 1) wrong.push(`${name}: ${working.length} connections`)
    const subscribed = working.flatMap(({ symbols }) => [...symbols])
    const wanted = world.plan.asked.filter(
      (feed) => endpointOf(feed) === name && ![POISON, UNLISTED].includes(feed),
    )
    for (const feed of wanted) {
      const times = subscribed.filter((symbol) => symbol === symbolOf(feed)).length
      if (times !== 1) wrong.push(`${feed}: subscribed ${times} times`)
    }
  }
  return wrong
}
