/**
 * Content that a stage or a codec cannot take or write: a failure of one message or one event, never of a
 * connection. Its text names what was wrong and holds nothing of the content.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError'
}

/**
 * Content that is more than anybody means to send: too many pieces or values, too deep, or a few bytes that become many. Whoever made it
 * wanted it to be expensive, or will do it again.
 */
export class ExcessError extends CodecError {}

/** A definition of a codec, a stage or a pipeline that is refused when it is made, before anything runs. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
}
