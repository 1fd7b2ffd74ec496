import { describe, expect, it } from 'vitest'
import { AdapterConfig } from '../../src/config/adapter-config'
import { type DebugPageSetting } from '../../src/config/settings-list'
import { settingsPage } from '../../src/http/debug'
import { serve } from '../../src/testing/serve'
import { stillAdapter } from './support'

const SECRET = 'sekrit-<value>-1'

const debugged = () => {
  const config = new AdapterConfig({ API_KEY: { type: 'string', description: 'Key', sensitive: true } })
  const env = { API_KEY: SECRET, DEBUG_ENDPOINTS: 'true', BASE_URL: '/ea' }
  return serve(() => stillAdapter({ adapter: { config } }).adapter, { env })
}

describe('the debug routes', () => {
  it('show every setting as JSON, sorted, without secrets', async () => {
    await using service = await debugged()
    const reply = await service.api.inject('/ea/debug/settings/raw')
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8')
    const settings = reply.json<DebugPageSetting[]>()
    expect(reply.body).toBe(JSON.stringify(settings, null, 2))
    const names = settings.map(({ name }) => name)
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)))
    expect(settings.find(({ name }) => name === 'API_KEY')?.value).toBe('[API_KEY REDACTED]')
    expect(reply.body).not.toContain(SECRET)
  })

  it('show every setting as a page, one row each, without secrets', async () => {
    await using service = await debugged()
    const reply = await service.api.inject('/ea/debug/settings')
    expect(reply.headers['content-type']).toMatch(/^text\/html/)
    expect(reply.body.trim()).toMatch(/^<html>[^]*<\/html>$/)
    const raw = (await service.api.inject('/ea/debug/settings/raw')).json<unknown[]>()
    expect(reply.body.match(/<tr><td>/g)).toHaveLength(raw.length)
    expect(reply.body).not.toContain('sekrit')
  })

  it.each([
    ['the default that applies to the adapter', true, 30_000],
    ["the framework's default to tests on the contract's harness", false, 120_000],
  ])('show, as the status does, %s', async (_name, givesReasons, usual) => {
    const overrides = { WS_SUBSCRIPTION_UNRESPONSIVE_TTL: 30_000 }
    const make = () => {
      const config = new AdapterConfig({}, { envDefaultOverrides: overrides })
      const { adapter } = stillAdapter({ adapter: { config } })
      adapter.givesReasons = givesReasons
      return adapter
    }
    await using service = await serve(make, { env: { DEBUG_ENDPOINTS: 'true' } })
    const shown = (list: DebugPageSetting[]) =>
      list.find(({ name }) => name === 'WS_SUBSCRIPTION_UNRESPONSIVE_TTL')
    const status = await service.api.inject('/status')
    const raw = (await service.api.inject('/debug/settings/raw')).json<DebugPageSetting[]>()
    for (const list of [raw, status.json<{ configuration: DebugPageSetting[] }>().configuration])
      expect(shown(list)).toMatchObject({ default: usual, envDefaultOverride: 30_000, value: 30_000 })
    expect(raw.find(({ name }) => name === 'RETRY')).toMatchObject({ default: 1, value: 1 })
  })

  it('show what is in a setting as text, whatever it looks like', () => {
    const setting = { name: '<b>', value: '"&\'', type: 'string', description: '', customSetting: true }
    const page = settingsPage([setting as DebugPageSetting], 'A')
    expect(page).toContain('<td>&lt;b&gt;</td><td>&quot;&amp;&#39;</td>')
  })
})
