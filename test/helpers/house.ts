import { posix } from 'node:path'
import { type Import, readModule } from './module-reader'

/** Floors of the house, ground floor first. A room imports from itself and from lower floors only. */
export const floors: readonly (readonly string[])[] = [
  ['util'],
  ['metrics'],
  ['validation'],
  ['config'],
  ['connections', 'outbound-http'],
  ['feeds'],
  ['redis'],
  ['transports'],
  ['adapter'],
  ['push'],
  ['http'],
  ['service'],
  ['testing'],
  ['cli'],
  ['public'],
]

/** The room that a file of src/ is in; a file that is in none is in a room of its own name. */
export const roomOf = (path: string): string => path.split('/')[1] ?? path

export const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room))

/** Whether one room may import another. */
export const isBelow = (room: string, than: string): boolean => floorOf(room) < floorOf(than)

/** The file that a relative import brings in: one of `files`, or a guess where there is none. */
export function resolve(from: string, specifier: string, files: ReadonlyMap<string, string>): string {
  const path = posix.join(posix.dirname(from), specifier).replace(/\/$/, '')
  const stem = path.replace(/\.js$/, '')
  const candidates = [path, `${stem}.ts`, `${path}/index.ts`]
  return candidates.find((candidate) => files.has(candidate)) ?? (posix.extname(path) ? path : `${path}.ts`)
}

export const isRelative = ({ specifier }: Import): boolean => specifier.startsWith('.')

interface Arrow {
  from: string
  to: string
  imports: number
}

export interface House {
  rooms: string[]
  /** From a room to another that it imports; type imports count as well. */
  arrows: Arrow[]
  /** Those that do not lead down. */
  upward: Arrow[]
}

/** The rooms of src/ and the imports between them. `public` is the face: it points at all of them, and is left out. */
export function houseOf(files: ReadonlyMap<string, string>): House {
  const arrows = new Map<string, Arrow>()
  const rooms = new Set<string>()
  for (const [file, text] of files) {
    const from = roomOf(file)
    if (!file.startsWith('src/') || from === 'public') continue
    rooms.add(from)
    for (const entry of readModule(file, text).imports.filter(isRelative)) {
      const target = resolve(file, entry.specifier, files)
      const to = roomOf(target)
      if (!target.startsWith('src/') || to === from) continue
      const arrow = arrows.get(`${from} ${to}`) ?? { from, to, imports: 0 }
      arrow.imports++
      arrows.set(`${from} ${to}`, arrow)
    }
  }
  const all = [...arrows.values()]
  const byFloor = (a: string, b: string) => floorOf(b) - floorOf(a) || a.localeCompare(b)
  return {
    rooms: [...rooms].sort(byFloor),
    arrows: all.sort((a, b) => byFloor(a.from, b.from) || byFloor(a.to, b.to)),
    upward: all.filter(({ from, to }) => !isBelow(to, from)),
  }
}

/** The house as text: a line for each room with what it imports, and the sums. */
export function draw({ rooms, arrows, upward }: House): string {
  const lines = rooms.map((room) => {
    const down = arrows.filter(({ from }) => from === room).map(({ to, imports }) => `${to} ${imports}`)
    return `${room.padEnd(14)}${down.length === 0 ? '' : `-> ${down.join(', ')}`}`.trimEnd()
  })
  return [...lines, `${rooms.length} rooms, ${arrows.length} arrows, ${upward.length} upward`].join('\n')
}
