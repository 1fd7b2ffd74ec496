type Hook = (...args: never[]) => unknown

const pureHooks = new WeakSet<Hook>()

/**
 * Declares that a router, validator, transform or key generator depends only on the `endpoint` and the `data` of a request, and neither on
 * other members of its body, nor on a clock, a counter or other state. Requests with the same ones then need not be prepared each time.
 */
export const pure = <H extends Hook>(hook: H): H => {
  pureHooks.add(hook)
  return hook
}

export const isPure = (hook: Hook): boolean => pureHooks.has(hook)

/** Whether the author has a hook that may decide differently each time, or change the object that it gets. */
export const hasSay = (hook: Hook | undefined): boolean => hook !== undefined && !isPure(hook)
