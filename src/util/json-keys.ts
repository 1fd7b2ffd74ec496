/** A member of an object in a JSON text: where it is, as a JSON pointer. */
export interface JsonMember {
  /** The pointer to the object that it is in. */
  of: string
  name: string
}

interface Frame {
  pointer: string
  /** How many elements of an array are over; undefined in an object. */
  index: number | undefined
  /** Of the member that is being read. */
  name: string
}

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g

/** A member's name as it is spelled in a JSON pointer. */
export const pointerName = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

const within = (frame: Frame | undefined): string =>
  frame === undefined ? '' : `${frame.pointer}/${frame.index ?? pointerName(frame.name)}`

/**
 * All members of all objects of a JSON text, in the order in which they are written and as often as they are. A parsed object has each
 * name once, and names that are whole numbers before all others.
 *
 * @param text - valid JSON
 */
export const membersIn = (text: string): JsonMember[] => {
  const members: JsonMember[] = []
  const frames: Frame[] = []
  let string = ''
  for (const [token] of text.matchAll(TOKENS)) {
    const frame = frames.at(-1)
    if (token === '{' || token === '[')
      frames.push({ pointer: within(frame), index: token === '[' ? 0 : undefined, name: '' })
    else if (token === '}' || token === ']') frames.pop()
    else if (token === ',') {
      if (frame?.index !== undefined) frame.index++
    } else if (token !== ':') string = token
    else if (frame !== undefined) {
      frame.name = String(JSON.parse(string))
      members.push({ of: frame.pointer, name: frame.name })
    }
  }
  return members
}
