export function pagesOfOperators(readme: string): string[]
export const NOT_RUN: Record<string, string>
