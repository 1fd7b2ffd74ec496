/** The version of the package that npm started, as operators' tools expect it (contract 6.1); undefined when npm did not. */
export const packageVersion = (): string | undefined => process.env['npm_package_version']
