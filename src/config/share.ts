import { type Validator } from '../validation/validators'

/** Allows a part of a whole, and none of it only where that means something. */
export const share = ({ orZero }: { orZero: boolean }): Validator<string | number> => {
  const details = orZero ? 'Value must be a number from 0 to 1' : 'Value must be above 0 and at most 1'
  return {
    meta: { details },
    fn: (value) => {
      const part = Number(value)
      const isAllowed = part <= 1 && (orZero ? part >= 0 : part > 0)
      return isAllowed ? undefined : `${details}. Received ${String(value)}`
    },
  }
}
