/** Numbers that look random and are the same in every run. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** `count` frames, each a good one with some bytes changed, put in, taken out, repeated, or joined with another. */
export function* mutations(good: readonly Buffer[], count: number, seed: number): Generator<Buffer> {
  const random = randomFrom(seed)
  const pick = () => Buffer.from(good[random(good.length)] as Buffer)
  for (let made = 0; made < count; made++) {
    let frame = pick()
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(frame.length + 1)
      const kind = random(6)
      if (kind === 0) frame = frame.subarray(0, at)
      else if (kind === 1) frame = Buffer.concat([frame.subarray(0, at), pick()])
      else if (kind === 2) frame = Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1 + random(4))])
      else if (kind === 3) {
        const put = Buffer.from(Array.from({ length: 1 + random(9) }, () => random(256)))
        frame = Buffer.concat([frame.subarray(0, at), put, frame.subarray(at)])
      } else if (at < frame.length) frame[at] = kind === 4 ? random(256) : frame[at]! ^ (1 << random(8))
    }
    yield frame
  }
}
