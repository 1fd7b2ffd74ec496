export function partOf<T>(list: readonly T[], text: string | undefined): T[]
