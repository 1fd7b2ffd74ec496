import type * as Yaml from 'yaml'
import { CodecError } from '../errors'

/** The package takes time by the square of some texts, and some hundred bytes of memory for each byte. */
const maxTextLength = 64 * 1024

const invalid = () => new CodecError('yaml: not one document')

/**
 * Parses one document.
 *
 * @throws CodecError where there are errors in it, more than one, or nodes too deep inside each other
 */
export function parseYaml(
  library: typeof Yaml,
  text: string,
  options: Yaml.ParseOptions & Yaml.DocumentOptions & Yaml.SchemaOptions,
  maxDepth: number,
): Yaml.Document.Parsed {
  if (text.length > maxTextLength) throw new CodecError('yaml: a chunk is too long')
  // The package takes a tab in front of everything for nothing.
  if (/^[ \r\n]*\t/.test(text)) throw new CodecError('yaml: a tab in front of the document')
  const tokens = shallowTokens(library, text, maxDepth)
  const [document, ...others] = new library.Composer(options).compose(tokens, true, text.length)
  if (!document || others.length > 0 || document.errors.length > 0) throw invalid()
  return document
}

/**
 * The top tokens of a text. The package builds its nodes by recursion, without a limit; what is too deep ends here,
 * before that.
 */
function* shallowTokens(library: typeof Yaml, text: string, maxDepth: number): Generator<Yaml.CST.Token> {
  const parser = new library.Parser()
  for (const lexeme of new library.Lexer().lex(text)) {
    yield* parser.next(lexeme)
    if (parser.stack.length > maxDepth) throw new CodecError('values lie too deep inside each other')
  }
  yield* parser.end()
}
