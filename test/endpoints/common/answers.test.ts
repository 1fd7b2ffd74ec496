import { describe, expect, it } from 'vitest'
import { Answers } from '../../../endpoints/common/answers'

const SECOND = 1_000

describe('what a provider has answered', () => {
  it('SB-3: makes a symbol due again when there was no answer for a while', () => {
    const answers = new Answers()
    answers.asked('A', 0)
    answers.asked('B', 0)
    answers.accepted('B', 1)
    expect(answers.due(14 * SECOND)).toEqual([])
    expect(answers.due(15 * SECOND)).toEqual(['A'])
    answers.asked('A', 15 * SECOND)
    expect(answers.due(29 * SECOND)).toEqual([])
  })

  it('ER-4: makes a refused symbol due again after a minute, not sooner', () => {
    const answers = new Answers()
    answers.asked('A', 0)
    expect(answers.refused('A', SECOND)).toBe(true)
    expect(answers.due(60 * SECOND)).toEqual([])
    expect(answers.due(61 * SECOND)).toEqual(['A'])
  })

  it('concerns nobody when it is about a symbol that was not asked for', () => {
    const answers = new Answers()
    expect(answers.refused('A', 0)).toBe(false)
    answers.accepted('A', 0)
    expect(answers.due(1_000 * SECOND)).toEqual([])
  })

  it('names what was asked for once and never answered', () => {
    const answers = new Answers()
    for (const symbol of ['A', 'B', 'C']) answers.asked(symbol, 0)
    answers.accepted('A', 0)
    answers.asked('B', 1)
    expect(answers.unansweredOnce()).toEqual(['C'])
    expect(['A', 'B', 'C'].map((symbol) => answers.isUnanswered(symbol))).toEqual([false, true, true])
  })

  it('tells whether an unsubscribe has something to end', () => {
    const answers = new Answers()
    for (const symbol of ['A', 'B', 'C']) answers.asked(symbol, 0)
    answers.accepted('A', 0)
    answers.refused('B', 0)
    expect(['A', 'B', 'C', 'D'].map((symbol) => answers.forget(symbol))).toEqual([true, false, true, false])
  })

  it('is nothing on a new connection', () => {
    const answers = new Answers()
    answers.asked('A', 0)
    answers.clear()
    expect(answers.due(100 * SECOND)).toEqual([])
  })
})
