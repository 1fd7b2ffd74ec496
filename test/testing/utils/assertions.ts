/** The part of ava's `t` that the helpers use; notes what it is asked. */
export const recordingAssertions = () => {
  const calls: unknown[][] = []
  return {
    calls,
    is: (...args: unknown[]) => calls.push(['is', ...args]),
    deepEqual: (...args: unknown[]) => calls.push(['deepEqual', ...args]),
    fail: (message?: string) => calls.push(['fail', message]),
  }
}
