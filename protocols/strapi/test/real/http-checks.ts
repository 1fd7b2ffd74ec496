import { WebSocket } from 'ws'
import { type Checks, equal } from './checks'
import { TOKENS } from './content'

interface Refusal {
  status: number | undefined
  name: unknown
  message: unknown
}

const upgrade = (url: string, authorization?: string): Promise<Refusal | 'accepted'> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace('http:', 'ws:'), {
      headers: authorization === undefined ? {} : { authorization },
    })
    socket.on('open', () => {
      socket.close()
      resolve('accepted')
    })
    socket.on('error', reject)
    socket.on('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => {
        socket.removeAllListeners('error').on('error', () => {})
        socket.terminate()
        const { error } = JSON.parse(text) as { error: { name: unknown; message: unknown } }
        resolve({ status: response.statusCode, name: error.name, message: error.message })
      })
    })
  })

const UNKNOWN = { status: 401, name: 'UnauthorizedError', message: 'Missing or invalid credentials' }
const EXPIRED = { status: 401, name: 'UnauthorizedError', message: 'Token expired' }
const FORBIDDEN = { status: 403, name: 'ForbiddenError', message: 'Forbidden' }
const NOT_FOUND = { status: 404, name: 'NotFoundError', message: 'Not Found' }

/** Answers to the upgrade request (spec 2.2). */
export const checkUpgrades = async (checks: Checks, adminUrl: string): Promise<void> => {
  const at = (direction: string) => `${adminUrl}/transfer/runner/${direction}`
  const cases: [string, string, string | undefined, Refusal | 'accepted'][] = [
    ['no token', at('pull'), undefined, UNKNOWN],
    ['an unknown token', at('pull'), 'Bearer wrong-token-wrong-token', UNKNOWN],
    ['a malformed header', at('pull'), `Token ${TOKENS.both}`, UNKNOWN],
    ['an expired token', at('pull'), `Bearer ${TOKENS.expired}`, EXPIRED],
    ['a push token that pulls', at('pull'), `Bearer ${TOKENS.push}`, FORBIDDEN],
    ['a pull token that pushes', at('push'), `Bearer ${TOKENS.pull}`, FORBIDDEN],
    ['an unknown path', at('nowhere'), `Bearer ${TOKENS.both}`, NOT_FOUND],
    ['a token for both that pulls', at('pull'), `bearer ${TOKENS.both}`, 'accepted'],
    ['a token for both that pushes', at('push'), `Bearer ${TOKENS.both}`, 'accepted'],
  ]
  for (const [name, url, authorization, expected] of cases)
    await checks.check(`upgrade: ${name}`, async () => equal(await upgrade(url, authorization), expected))
}

export const checkSwitchedOff = (checks: Checks, adminUrl: string): Promise<void> =>
  checks.check('upgrade: transfer is switched off', async () => {
    equal(await upgrade(`${adminUrl}/transfer/runner/pull`, `Bearer ${TOKENS.both}`), NOT_FOUND)
    equal(await upgrade(`${adminUrl}/transfer/runner/pull`), UNKNOWN)
  })
