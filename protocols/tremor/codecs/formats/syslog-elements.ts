import type { TreeGuard } from '../tree-guard'
import { emptyRecord, type Value, type ValueRecord } from '../value'

const name = /[^\s=\]"]+/y

/**
 * Reads `-` or elements, `[id name="text" ...][...]`. An element that is not well-formed is skipped.
 *
 * @returns the elements, if there are any, and where they end
 */
export function readStructuredData(
  text: string,
  guard: TreeGuard,
): { elements: ValueRecord | undefined; end: number } {
  if (text.startsWith('-')) return { elements: undefined, end: 1 }
  const elements = emptyRecord()
  let end = 0
  while (text[end] === '[') {
    guard.countValue()
    const reader = new ElementReader(text, end + 1, guard)
    const element = reader.element()
    if (element) elements[element.id] = element.parameters
    const after = element ? reader.position : text.indexOf(']', end) + 1
    if (after === 0) break
    end = after
  }
  return { elements: Object.keys(elements).length > 0 ? elements : undefined, end }
}

class ElementReader {
  constructor(
    private readonly text: string,
    public position: number,
    private readonly guard: TreeGuard,
  ) {}

  /** The rest of an element behind its opening bracket; undefined where it is not well-formed. */
  element(): { id: string; parameters: Value[] } | undefined {
    const parameters: Value[] = []
    const id = this.name()
    while (id !== undefined) {
      while (this.takes(' '));
      if (this.takes(']')) return { id, parameters }
      const parameter = this.parameter()
      if (!parameter) break
      parameters.push(parameter)
    }
    return undefined
  }

  private parameter(): ValueRecord | undefined {
    this.guard.countValue()
    const key = this.name()
    if (key === undefined || !this.takes('=') || !this.takes('"')) return undefined
    const start = this.position
    while (!this.takes('"')) {
      if (this.position >= this.text.length) return undefined
      this.position += this.text[this.position] === '\\' ? 2 : 1
    }
    const parameter = emptyRecord()
    parameter[key] = this.text.slice(start, this.position - 1).replace(/\\(["\\\]])/g, '$1')
    return parameter
  }

  private name(): string | undefined {
    name.lastIndex = this.position
    const found = name.exec(this.text)?.[0]
    this.position += found?.length ?? 0
    return found
  }

  private takes(sign: string): boolean {
    if (this.text[this.position] !== sign) return false
    this.position += 1
    return true
  }
}
