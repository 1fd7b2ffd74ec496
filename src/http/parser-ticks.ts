import { type Socket } from 'node:net'

type Called = (this: unknown, ...given: unknown[]) => unknown

/** Node's parser of a connection: its callbacks are members with a number for a name. */
interface Parser {
  readonly constructor: { readonly kOnBody?: number }
  [callback: number]: Called | undefined
}

type Ticking = NodeJS.Process & { _tickCallback?: () => void }

/**
 * Makes the parser of a connection, when it is given bytes from JavaScript, act as when it reads the socket itself. There, what waits in
 * the queue of ticks is run after each piece of a body, so that a request is answered before what follows in the same packet is refused.
 * Where JavaScript calls the parser, nothing is run before all of the packet has been parsed.
 *
 * @returns takes it back, because Node uses parsers again for other connections; undefined where this Node has no such parser
 */
export const tickAfterBodies = (socket: Socket): (() => void) | undefined => {
  const { parser } = socket as Socket & { parser?: Parser | null }
  const { _tickCallback: runTicks } = process as Ticking
  const name = parser?.constructor.kOnBody
  const original = name === undefined ? undefined : parser?.[name]
  if (parser == null || name === undefined || original === undefined || runTicks === undefined)
    return undefined
  const ticking: Called = function (...given) {
    const returned = original.apply(this, given)
    runTicks()
    return returned
  }
  parser[name] = ticking
  return () => {
    if (parser[name] === ticking) parser[name] = original
  }
}
