import { splitArrayIntoChunks } from '../../src/public/util'

/** The frames for these items, each for at most `perFrame` of them; none when there are no items. */
export const framesFor = <Item, Frame>(
  items: Item[],
  perFrame: number,
  frame: (items: Item[]) => Frame,
): Frame[] => (items.length === 0 ? [] : splitArrayIntoChunks(items, perFrame).map((some) => frame(some)))
