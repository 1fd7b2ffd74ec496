import { posix, sep } from 'node:path'
import ts from 'typescript'

/**
 * Rewrites the relative imports of a compiled file (.js or .d.ts) for a tree in which files lie elsewhere.
 *
 * @param text the file's text
 * @param file the file's path in the old tree
 * @param newPath the place in the new tree of a path of the old one
 */
export function relocate(text, file, newPath) {
  const path = file.split(sep).join('/')
  const folder = posix.dirname(newPath(path))
  let result = text
  // From the last to the first, so that the positions of those still to come stay right.
  const imports = ts
    .preProcessFile(text, true, true)
    .importedFiles.filter(({ fileName }) => /^\.\.?(\/|$)/.test(fileName))
  for (const { fileName, pos } of imports.sort((a, b) => b.pos - a.pos)) {
    const target = newPath(posix.join(posix.dirname(path), fileName))
    const moved = posix.relative(folder, target)
    const specifier = specifierOf(moved, target)
    if (posix.normalize(fileName) === posix.normalize(specifier)) continue
    const start = result.indexOf(fileName, pos)
    result = result.slice(0, start) + specifier + result.slice(start + fileName.length)
  }
  return result
}

/** A file may have the name of the folder that it is imported from: by `.` only the folder's index would be found. */
function specifierOf(moved, target) {
  if (moved === '') return target === '.' ? '.' : `../${posix.basename(target)}`
  return moved.startsWith('.') ? moved : `./${moved}`
}
