/** Checks both directions of the transfer against a real Strapi. Started by install-and-run.mjs, which installs it. */
import { LoggerFactoryProvider } from '../../../../src/util/logging'
import { Checks, equal, say } from './checks'
import { pricesIn, rowsOf, TOKENS } from './content'
import { checkSwitchedOff, checkUpgrades } from './http-checks'
import { checkFiles, checkPull } from './pull-checks'
import { checkPush } from './push-checks'
import { clear, StrapiServer } from './server'
import { checkServices } from './service-checks'
import { checkScenarios } from './trace-checks'

const run = async (folder: string, scratch: string): Promise<number> => {
  const options = { folder, scratch }
  const checks = new Checks()
  const server = new StrapiServer(options)
  clear(options)
  process.on('SIGINT', () => process.exit(130))
  process.on('SIGTERM', () => process.exit(143))
  // Whatever way it ends, the server does not outlive it.
  process.on('exit', () => server.abandon())
  try {
    await checks.check('the server starts', () => server.start())
    if (checks.failed === 0) {
      await checkUpgrades(checks, server.adminUrl)
      await checkPull(checks, server)
      await checkFiles(checks, server.adminUrl)
      await checkScenarios(checks, server.adminUrl)
      await checks.check('as recorded: none of that has changed the content', async () => {
        const rows = await rowsOf({ adminUrl: server.adminUrl, token: TOKENS.pull })
        equal([rows.length, pricesIn(rows).length], [58, 50], 'the number of rows and prices')
      })
      await checkPush(checks, server)
      await checkServices(checks, server)
      await server.stop()
      await server.start({ isTransferEnabled: false })
      await checkSwitchedOff(checks, server.adminUrl)
    }
  } finally {
    await server.stop()
  }
  say(`${checks.passed} passed, ${checks.failed} failed`)
  return checks.failed === 0 ? 0 : 1
}

const [folder = '', scratch = ''] = process.argv.slice(2)
LoggerFactoryProvider.set()
run(folder, scratch).then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(String((error as Error).stack ?? error))
    process.exit(1)
  },
)
