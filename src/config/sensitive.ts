const alwaysSecret = /RPC_URL|API_KEY/i

/**
 * Whether a setting's value must never be shown (contract 13.3): strings unless declared `sensitive: false`, anything
 * declared `sensitive: true`, and whatever is named after a key or a node URL.
 */
export const isSensitive = (
  name: string,
  definition: { type: string; sensitive?: boolean | undefined },
): boolean =>
  alwaysSecret.test(name) ||
  definition.sensitive === true ||
  (definition.type === 'string' && definition.sensitive !== false)

/** What stands in place of a secret wherever it is left out. */
export const redacted = (name: string) => `[${name} REDACTED]`
