const alwaysSecret = /RPC_URL|API_KEY/i

/**
 * Whether a setting's value must never be shown (contract 13.3). That is so for strings unless they are declared `sensitive: false`, for
 * all settings declared `sensitive: true`, and for all whose name contains `RPC_URL` or `API_KEY`.
 */
export const isSensitive = (
  name: string,
  definition: { type: string; sensitive?: boolean | undefined },
): boolean =>
  alwaysSecret.test(name) ||
  definition.sensitive === true ||
  (definition.type === 'string' && definition.sensitive !== false)

/** The text that is shown instead of a secret. */
export const redacted = (name: string) => `[${name} REDACTED]`
