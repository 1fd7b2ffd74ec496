/** What every adapter must pass, with the title of its test. */
export const checkTitles = {
  answers: 'answers with the price and the time that the provider gives',
  once: 'asks for a feed once, however many clients ask',
  batch: 'asks for no more symbols at a time than it may, and gets them all',
  unlisted: 'answers what the provider does not have with an error, and its neighbour with its price',
  'not-a-number': 'refuses a price that is no number, counts it, and goes on',
  'not-positive': 'refuses a price of zero and a negative one, counts them, and goes on',
  future: 'refuses a price of the future, counts it, and goes on',
  'impossible-time': 'refuses a price of a time that cannot be, counts it, and goes on',
  backwards: 'refuses a price that is older than the one before, counts it, and goes on',
  garbage: 'loses nothing but a message that cannot be read',
  cut: 'goes on with every feed after its connection was cut',
  named: 'says why there is no price while the provider refuses, and is well when it accepts again',
  dead: 'serves no price beyond its time when the provider is dead, whatever the wall clock shows',
  silent: 'serves no price beyond its time when the provider has gone silent',
  slept: 'serves no price that grew old while the machine slept',
  unwanted: 'tells the provider when nobody asks for a feed any more, and goes on with the others',
  stops: 'leaves neither a connection nor a timer when it stops',
  limit: 'sends no more requests than the settings allow',
  'retry-after': 'waits as long as a provider says that is asked too often',
  'cut-body': 'takes nothing from an answer that is cut off, and says that the request failed',
} as const

/** The name of a check, for `except` of a venue. */
export type CheckName = keyof typeof checkTitles
