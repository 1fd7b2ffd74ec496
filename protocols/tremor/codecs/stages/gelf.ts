/** First two bytes of a part of a GELF message: they are followed by id (8), sequence (1), count (1), data. */
export const partMagic = 0x1e0f
export const partHeaderBytes = 12
