import fc from 'fast-check'

/** Random secrets of the kind that slip through: URL and base64 signs, quotes, backslashes, line ends, other scripts. */
export const awkwardSecret: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...'abcXYZ0189/+=&%"\\\n<>\' :@#?._-~!*()éß漢😀'), { minLength: 6, maxLength: 40 })
  .map((chars) => chars.join(''))
  // Plain text on both sides, so that a hit is a hit of the secret and not of some innocent sign.
  .map((middle) => `s3${middle}3t`)

const HTML = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const

const json = (text: string): string => JSON.stringify(text).slice(1, -1)

const asciiJson = (text: string): string =>
  json(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

const lowerHex = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())

/** The forms in which a secret must be found: written by the encoders that are really used. */
export const encodings = (secret: string): Record<string, string> => ({
  plain: secret,
  component: encodeURIComponent(secret),
  componentInLowerHex: lowerHex(encodeURIComponent(secret)),
  url: encodeURI(secret),
  form: new URLSearchParams({ k: secret }).toString().slice(2),
  formInLowerHex: lowerHex(new URLSearchParams({ k: secret }).toString().slice(2)),
  twiceInUrl: encodeURIComponent(encodeURIComponent(secret)),
  json: json(secret),
  jsonInJson: json(json(secret)),
  asciiJson: asciiJson(secret),
  html: secret.replace(/[&<>"']/g, (sign) => HTML[sign as keyof typeof HTML]),
  hex: Buffer.from(secret).toString('hex'),
  upperHex: Buffer.from(secret).toString('hex').toUpperCase(),
  base64: Buffer.from(secret).toString('base64'),
  base64InUrl: encodeURIComponent(Buffer.from(secret).toString('base64')),
  base64url: Buffer.from(secret).toString('base64url'),
})
