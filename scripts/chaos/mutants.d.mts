import { type LawMutant } from '../mutants/law-mutants.mjs'

export function readMutants(): Omit<LawMutant, 'test'>[]
