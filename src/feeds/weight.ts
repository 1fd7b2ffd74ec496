/** What V8 needs for a text beside its characters, for a number that is in an object, and for a member of an object or an array. */
const TEXT_BYTES = 16
const BYTES_PER_CHARACTER = 2
const NUMBER_BYTES = 16
const OBJECT_BYTES = 40
const ELEMENT_BYTES = 8
const MEMBER_BYTES = 16

/**
 * About how much memory a value of JSON takes, in bytes, and rather too much than too little: a body with a million empty objects takes many
 * times as much as its text. It costs about as much as to write the value as text.
 */
export const weightOf = (value: unknown): number => {
  if (typeof value === 'string') return TEXT_BYTES + BYTES_PER_CHARACTER * value.length
  if (typeof value !== 'object' || value === null) return NUMBER_BYTES
  if (Array.isArray(value))
    return value.reduce((sum: number, one) => sum + ELEMENT_BYTES + weightOf(one), OBJECT_BYTES)
  let weight = OBJECT_BYTES
  for (const name in value) weight += MEMBER_BYTES + weightOf((value as Record<string, unknown>)[name])
  return weight
}
