import { posix } from 'node:path'
import { type FastifyInstance } from 'fastify'
import { type AnyAdapter } from '../adapter/adapter'
import { type DebugPageSetting } from '../config/settings-list'
import { configurationOf } from './configuration'

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

const COLUMNS = ['name', 'value', 'type', 'default', 'required', 'customSetting', 'description'] as const

/** An HTML page with one row for each setting. */
export const settingsPage = (settings: DebugPageSetting[], title = 'Adapter'): string => {
  const row = (cells: unknown[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  const rows = settings.map((setting) =>
    row(
      COLUMNS.map((column) => setting[column]),
      'td',
    ),
  )
  return `<html>
<head><meta charset="utf-8"><title>${escaped(title)} settings</title></head>
<body><h1>${escaped(title)}</h1><table border="1">
${row([...COLUMNS], 'th')}
${rows.join('\n')}
</table></body>
</html>`
}

/** Routes that show the settings of an adapter, secrets redacted. They exist only where `DEBUG_ENDPOINTS` is true (contract 6.1). */
export const addDebugRoutes = (app: FastifyInstance, adapter: AnyAdapter, baseUrl: string): void => {
  if (adapter.settings.DEBUG_ENDPOINTS) addSettingsRoutes(app, adapter, baseUrl)
}

/** The same routes, whatever `DEBUG_ENDPOINTS` is. */
export const addSettingsRoutes = (
  app: FastifyInstance,
  adapter: AnyAdapter,
  baseUrl = adapter.settings.BASE_URL,
): void => {
  const path = posix.join(baseUrl, 'debug/settings')
  app.get(path, (_req, reply) =>
    reply.type('text/html').send(settingsPage(configurationOf(adapter), adapter.name)),
  )
  app.get(posix.join(path, 'raw'), (_req, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(configurationOf(adapter), null, 2)),
  )
}
