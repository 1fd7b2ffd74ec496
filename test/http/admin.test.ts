import { Value } from '@sinclair/typebox/value'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { isAuthorized } from '../../src/http/admin'
import { NoTokenAnswer } from '../../src/http/answers'
import { startAdapter } from '../../src/service/started-adapter'
import { JSON_HEADERS, stillAdapter } from './support'

const TOKEN = 'a-token-of-operators'
const ETH = { base: 'ETH', quote: 'USD' }

afterEach(() => vi.unstubAllEnvs())

const started = async (env: Record<string, string> = {}) => {
  for (const [name, value] of Object.entries({ ADMIN_PORT: '0', ADMIN_TOKEN: TOKEN, ...env }))
    vi.stubEnv(name, value)
  const still = stillAdapter()
  const { api, adminApi, metricsApi, stop } = await startAdapter(still.adapter)
  return {
    ...still,
    api: api!,
    admin: adminApi!,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([stop(), api?.close(), metricsApi?.close(), adminApi?.close()])
    },
  }
}

describe('with ADMIN_PORT', () => {
  it.each(['/status', '/explain?base=ETH&quote=USD', '/debug/settings', '/debug/settings/raw'])(
    '%s is on that port alone, for those who have the token',
    async (url) => {
      await using rig = await started({ DEBUG_ENDPOINTS: 'true', EXPLAIN_ENABLED: 'true' })
      const authorization = `Bearer ${TOKEN}`
      expect((await rig.api.inject({ url, headers: { authorization } })).statusCode).toBe(404)
      const refused = await rig.admin.inject(url)
      expect(Value.Check(NoTokenAnswer, refused.json())).toBe(true)
      expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, 'Bearer'])
      expect((await rig.admin.inject({ url, headers: { authorization } })).statusCode).toBe(200)
    },
  )

  it('health, live, ready and the prices stay on the public port', async () => {
    await using rig = await started()
    for (const url of ['/health', '/live', '/ready']) expect((await rig.api.inject(url)).statusCode).toBe(200)
    await rig.transport.put(ETH, 5)
    const headers = { ...JSON_HEADERS, authorization: `Bearer ${TOKEN}` }
    const ask = { method: 'POST', url: '/', headers, payload: { data: ETH } } as const
    expect((await rig.api.inject(ask)).json()).toMatchObject({ result: 5 })
    expect((await rig.admin.inject(ask)).statusCode).toBe(404)
    const explained = await rig.admin.inject({ ...ask, url: '/explain' })
    expect(explained.json()).toMatchObject({ state: 'fresh', lastGood: { response: { result: 5 } } })
  })

  it('debug pages are there only where they are enabled', async () => {
    await using rig = await started()
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect((await rig.admin.inject({ url: '/debug/settings', headers })).statusCode).toBe(404)
  })

  it.each([
    undefined,
    '',
    TOKEN,
    `Basic ${TOKEN}`,
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer x ${TOKEN}`,
  ])('%o opens nothing, and does not tell what there is', async (authorization) => {
    await using rig = await started()
    for (const url of ['/status', '/nothing']) {
      const reply = await rig.admin.inject({
        url,
        headers: { ...(authorization !== undefined && { authorization }) },
      })
      expect([reply.statusCode, reply.body.includes(TOKEN)]).toEqual([401, false])
    }
  })

  it('the scheme of the header may have any letter case', () => {
    expect(isAuthorized(`bearer  ${TOKEN}`, TOKEN)).toBe(true)
    expect(isAuthorized('Bearer ', '')).toBe(false)
  })
})

describe('the settings of that port', () => {
  const problemsOf = (env: Record<string, string>): string => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const config = new AdapterConfig({})
    config.initialize()
    try {
      config.validate()
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  it.each([
    [{ ADMIN_PORT: '7070' }, /ADMIN_TOKEN: Value is required with ADMIN_PORT/],
    [{ ADMIN_PORT: '7070', ADMIN_TOKEN: 'short' }, /ADMIN_TOKEN: .*at least 16 characters/],
    [
      { ADMIN_PORT: '8080', EA_PORT: '8080', ADMIN_TOKEN: TOKEN },
      /ADMIN_PORT: .*another port than that of EA_PORT/,
    ],
    [{ ADMIN_PORT: '9080', ADMIN_TOKEN: TOKEN }, /ADMIN_PORT: .*another port than that of METRICS_PORT/],
  ])('LC-5: %o are refused, without showing the token', (env, problem) => {
    const text = problemsOf(env)
    expect(text).toMatch(problem)
    expect(text).not.toContain('short')
  })

  it.each<Record<string, string>>([
    { ADMIN_PORT: '7070', ADMIN_TOKEN: TOKEN },
    { ADMIN_PORT: '0', ADMIN_TOKEN: TOKEN, EA_PORT: '0' },
    { ADMIN_PORT: '9080', ADMIN_TOKEN: TOKEN, METRICS_ENABLED: 'false' },
    { ADMIN_TOKEN: TOKEN },
  ])('%o are taken', (env) => expect(problemsOf(env)).toBe(''))
})
