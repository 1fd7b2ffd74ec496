#!/usr/bin/env node
import type * as Check from './check'
import { type Command, FAILED, MisuseError, MISUSED, OK, print } from './command'
import type * as New from './new'
import type * as Try from './try'
import type * as OwnVersion from '../config/own-version'
import type * as PackageVersion from '../config/package-version'

/* eslint-disable @typescript-eslint/no-require-imports -- each command is loaded only where it is asked for, and the service first of all */

const USAGE = `Usage: tickwell [<command>]

Without a command it starts the service.

  check   checks the settings without starting anything (tickwell check --help)
  new     writes a new adapter (tickwell new --help)
  start   starts the service
  try     runs one request against an adapter, and shows what it says and hears (tickwell try --help)

  --help, --version`

const version: Command = async () => {
  ;(require('../config/own-version') as typeof OwnVersion).useOwnVersion()
  await print(String((require('../config/package-version') as typeof PackageVersion).packageVersion()))
  return OK
}

const usage: Command = async () => {
  await print(USAGE)
  return OK
}

const COMMANDS: Record<string, () => Command> = {
  check: () => (require('./check') as typeof Check).check,
  new: () => (require('./new') as typeof New).newAdapter,
  try: () => (require('./try') as typeof Try).tryOut,
  '--version': () => version,
  '--help': () => usage,
}

const complain = async (what: string): Promise<void> => {
  await print(`${what}\n\n${USAGE}`, process.stderr)
  process.exitCode = MISUSED
}

const run = async (name: string, args: string[]): Promise<void> => {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) return complain(`There is no command "${name}"`)
  try {
    const code = await command()(args)
    // An adapter of somebody's own may have begun something when it was loaded.
    process.exit(code)
  } catch (error) {
    if (!(error instanceof MisuseError)) throw error
    await complain(error.message)
  }
}

const [name = 'start', ...args] = process.argv.slice(2)
if (name === 'start') require('../service/main')
else
  run(name, args).catch((error: unknown) => {
    console.error(error)
    process.exitCode = FAILED
  })
