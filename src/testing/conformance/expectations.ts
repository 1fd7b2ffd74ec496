import { bodyOf } from '../answer-body'
import { type Reply } from '../serve'

/** @throws Error that says what was expected, and what there was */
export const expectThat = (isSo: boolean, expected: string, found: unknown): void => {
  if (!isSo) throw new Error(`expected ${expected}, and found ${String(found)}`)
}

export const show = ({ statusCode, text }: Reply): string => `${statusCode} ${text}`

/** It is an error that says something. */
export const expectError = (reply: Reply, why: string): void => {
  const { error, errorMessage } = bodyOf(reply)
  expectThat(reply.statusCode !== 200, `no price ${why}`, show(reply))
  expectThat(
    typeof (errorMessage ?? error?.message) === 'string',
    `an error with a message ${why}`,
    show(reply),
  )
}
