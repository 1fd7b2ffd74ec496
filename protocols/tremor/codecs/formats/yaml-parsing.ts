import type * as Yaml from 'yaml'
import { CodecError, ExcessError } from '../errors'
import type { CodecLimits } from '../limits'
import { tooDeep } from '../tree-guard'

/** The package takes time by the square of some texts, and some hundred bytes of memory for each byte. */
const maxTextLength = 64 * 1024

const invalid = () => new CodecError('yaml: not one document')

/**
 * Parses one document.
 *
 * @throws CodecError where there are errors in it or more than one, ExcessError for nodes too deep
 *   inside each other, or too many tokens
 */
export function parseYaml(
  library: typeof Yaml,
  text: string,
  options: Yaml.ParseOptions & Yaml.DocumentOptions & Yaml.SchemaOptions,
  limits: CodecLimits,
): Yaml.Document.Parsed {
  if (text.length > maxTextLength) throw new CodecError('yaml: a chunk is too long')
  // The package takes a tab in front of everything for nothing.
  if (/^[ \r\n]*\t/.test(text)) throw new CodecError('yaml: a tab in front of the document')
  const tokens = shallowTokens(library, text, limits)
  const [document, ...others] = new library.Composer(options).compose(tokens, true, text.length)
  if (!document || others.length > 0 || document.errors.length > 0) throw invalid()
  return document
}

/**
 * The top tokens of a text. The package builds its nodes by recursion, without a limit; what is too deep or too much
 * ends here, before that.
 */
function* shallowTokens(
  library: typeof Yaml,
  text: string,
  { maxDepth, maxYamlTokens }: CodecLimits,
): Generator<Yaml.CST.Token> {
  const parser = new library.Parser()
  let lexemes = 0
  for (const lexeme of new library.Lexer().lex(text)) {
    if (++lexemes > maxYamlTokens) throw new ExcessError('yaml: too many tokens in one chunk')
    yield* parser.next(lexeme)
    if (parser.stack.length > maxDepth) throw tooDeep()
  }
  yield* parser.end()
}
