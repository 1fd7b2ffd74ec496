export function commandsIn(page: string): string[]
export function pagesLinkedFrom(page: string): string[]
