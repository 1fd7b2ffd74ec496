/**
 * Content that a stage or a codec cannot take or write: a failure of one message or one event, never of a
 * connection. Its text names what was wrong and holds nothing of the content.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError'
}

/** A definition of a codec, a stage or a pipeline that is refused when it is made, before anything runs. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
}
