import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/**
 * Counts the fields of a protobuf message without decoding them: a few bytes can be very many, and each costs.
 *
 * @param max - of all fields, those inside others included
 * @param isMessage - whether the field with this path of numbers holds a message whose fields count too
 * @throws Error for more fields, groups, and bytes that are not whole fields
 */
export const countFields = (
  bytes: Uint8Array,
  max: number,
  isMessage: (path: readonly number[]) => boolean,
): void => {
  let fields = 0
  const count = (message: Uint8Array, outer: readonly number[]): void => {
    const reader = new BinaryReader(message)
    while (reader.pos < reader.len) {
      if (++fields > max) throw new Error(`More than ${max} fields`)
      const [number, type] = reader.tag()
      if (type === WireType.StartGroup) throw new Error('A group')
      if (type !== WireType.LengthDelimited) reader.skip(type, number)
      else {
        const held = reader.bytes()
        const path = [...outer, number]
        if (isMessage(path)) count(held, path)
      }
    }
  }
  count(bytes, [])
}
