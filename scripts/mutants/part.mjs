/**
 * Every n-th of a list, so that n nights have all of it.
 *
 * @param text - such as `2/7`; undefined for the whole list
 * @throws Error where it is no part
 */
export const partOf = (list, text) => {
  if (text === undefined) return list
  const [, part, parts] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number)
  if (!(part >= 1 && part <= parts)) throw new Error(`no part: ${text}; the second of seven is 2/7`)
  return list.filter((_, at) => at % parts === part - 1)
}
