/** Whether a text from the environment says yes, in any letter case (contract 7.1). */
export const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === 'true'

/** Whether a text from the environment says no, in any letter case. What says neither is refused at the start. */
export const isFalse = (text: string | undefined): boolean => text?.toLowerCase() === 'false'
