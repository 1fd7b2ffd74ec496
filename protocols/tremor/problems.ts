import { ConfigError } from '../../src/config/config-error'

export type Fields = Record<string, unknown>

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)

/** Collects what is wrong with one definition, so that all of it is reported at once. Values are never repeated: they may be secret. */
export class Problems {
  private readonly found = new Set<string>()

  /**
   * @param subject - begins every line
   * @param variables - the settings that stand behind places of the definition; a line about one begins with it instead
   */
  constructor(
    private readonly subject: string,
    private readonly variables: Readonly<Record<string, string | undefined>> = {},
  ) {}

  add(where: string, what: string): void {
    const variable = this.variables[where]
    if (variable === undefined) this.note(`${where}: ${what}`)
    else this.found.add(`${variable}: ${what}`)
  }

  /** A line that says where by itself. */
  note(line: string): void {
    this.found.add(`${this.subject}: ${line}`)
  }

  unknownKeys(where: string, record: Fields, known: readonly string[]): void {
    const unknown = Object.keys(record).filter((key) => !known.includes(key))
    if (unknown.length > 0) this.add(where, `unknown keys: ${unknown.slice(0, 10).join(', ')}`)
  }

  /** @throws ConfigError with all of them, if there are any */
  throwIfAny(): void {
    if (this.found.size > 0) throw new ConfigError([...this.found])
  }
}
