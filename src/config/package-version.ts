/**
 * The version of the package that npm started, which operators' tools expect (contract 6.1); undefined when npm did not start the process.
 */
export const packageVersion = (): string | undefined => process.env['npm_package_version']
