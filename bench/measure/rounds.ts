import { type Figures } from '../scenario'

/** What each side measured, one value per round: equal places are rounds next to each other. Sides that were left out are missing. */
export type Rounds<S extends string, R> = Record<S, R[]>

/** Lets the sides take turns in short rounds, every other turn in reverse order, so that a drift of the machine meets all alike. */
export const alternate = async <S extends string, R>(
  sides: readonly S[],
  turns: number,
  measure: (side: S, turn: number) => Promise<R>,
): Promise<Rounds<S, R>> => {
  const rounds = Object.fromEntries(sides.map((side) => [side, []])) as unknown as Rounds<S, R>
  for (let turn = 0; turn < turns; turn++)
    for (const side of turn % 2 === 0 ? sides : [...sides].reverse())
      rounds[side].push(await measure(side, turn))
  return rounds
}

/** Measures with fresh processes several times, because one start differs from the next; puts all rounds into one list per side. */
export const repeated = async <S extends string, R>(
  times: number,
  measure: (fresh: number) => Promise<Rounds<S, R>>,
): Promise<Rounds<S, R>> => {
  const all = await measure(0)
  for (let fresh = 1; fresh < times; fresh++) {
    const more = await measure(fresh)
    for (const side of Object.keys(all) as S[]) all[side].push(...more[side])
  }
  return all
}

/** One figure of every round, for a row of the table. */
export const figuresOf = <S extends string, R>(
  rounds: Rounds<S | 'ours', R>,
  figure: (round: R) => number,
  floor?: S,
): Figures => {
  const of = (side: string | undefined): number[] | undefined =>
    (rounds as Partial<Record<string, R[]>>)[side ?? '']?.map(figure)
  return { ours: rounds.ours.map(figure), floor: of(floor), reference: of('reference') }
}
