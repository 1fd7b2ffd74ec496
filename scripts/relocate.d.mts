/**
 * Rewrites the relative imports of a compiled file (.js or .d.ts) for a tree in which files lie elsewhere.
 *
 * @param text the file's text
 * @param file the file's path in the old tree
 * @param newPath the place in the new tree of a path of the old one
 */
export function relocate(text: string, file: string, newPath: (path: string) => string): string
