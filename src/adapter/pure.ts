type Hook = (...args: never[]) => unknown

const pureHooks = new WeakSet<Hook>()

/**
 * Declares that a router, validator, transform or key generator depends on the request alone: no clock, no counter, no state. Requests
 * with the same body then need not be prepared again and again.
 */
export const pure = <H extends Hook>(hook: H): H => {
  pureHooks.add(hook)
  return hook
}

export const isPure = (hook: Hook): boolean => pureHooks.has(hook)

/** Whether there is a hook of the author's that may decide otherwise from one time to the next, or change what it is shown. */
export const hasSay = (hook: Hook | undefined): boolean => hook !== undefined && !isPure(hook)
