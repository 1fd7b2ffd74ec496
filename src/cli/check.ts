import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isVariableSet } from '../config/env'
import { ownVersion } from '../config/own-version'
import { type SettingsSurvey, surveyOfModule, surveyOfService } from '../service/settings-survey'
import { messageOf } from '../util/objects'
import { redactStrings } from '../util/redaction'
import { changesReport } from './changes-report'
import { reportOf } from './check-report'
import { type Command, type ExitCode, FAILED, MisuseError, OK, parsed, print } from './command'
import { changesBetween, isSurvey, type SettingsChanges, type VersionedSurvey } from './settings-changes'

const OPTIONS = {
  json: { type: 'boolean' },
  all: { type: 'boolean' },
  compare: { type: 'string' },
  help: { type: 'boolean' },
} as const

const USAGE = `Usage: tickwell check [--all] [--json] [--compare <file>] [<module>]

Checks the settings in the environment without starting anything, and shows where each value comes from and what it is by default.
Without a module it checks the service and its adapters. A module is a file that exports an adapter of your own as \`adapter\`.

  --all             shows every setting; else those that are set, or have another value than the framework's default
  --json            prints all of it as JSON
  --compare <file>  shows instead what is not as it was when another version wrote the file, with --json and the same variables

Ends with 1 when there is a problem, with --compare also when a variable that was read has no effect any more. The values of secrets are
never shown.`

const jsonOf = (code: ExitCode, more: object): string => JSON.stringify({ ok: code === OK, ...more }, null, 2)

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // The error would have a piece of the file in it, which may be any, such as one with secrets.
    return undefined
  }
}

/** @throws MisuseError where the file cannot be read, or was not written by this command */
const surveyIn = (file: string): VersionedSurvey => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new MisuseError(`There is nothing to compare with: ${messageOf(error)}`)
  }
  const survey = parsedJson(text)
  if (isSurvey(survey)) return survey
  throw new MisuseError(`${file} cannot be compared with: it is not what tickwell check --json prints`)
}

const compared = (before: VersionedSurvey, now: SettingsSurvey): SettingsChanges =>
  redactStrings(changesBetween(before, { ...now, version: ownVersion() }, isVariableSet))

/** @throws MisuseError for arguments that there are not */
export const check: Command = async (args) => {
  const { values, positionals } = parsed({ args, options: OPTIONS, allowPositionals: true })
  const [file, ...others] = positionals
  if (others.length > 0) throw new MisuseError(`Only one module can be checked, not ${others.join(', ')} too`)
  if (values.help) {
    await print(USAGE)
    return OK
  }
  const before = values.compare === undefined ? undefined : surveyIn(values.compare)
  const survey = file === undefined ? await surveyOfService() : await surveyOfModule(resolve(file))
  const { problems, warnings } = survey
  const outcome = problems.length === 0 ? OK : FAILED
  if (before === undefined) {
    const whole = { version: ownVersion(), ...survey }
    await print(values.json ? jsonOf(outcome, whole) : reportOf(survey, values.all === true))
    return outcome
  }
  const changes = compared(before, survey)
  const code = changes.lost.length === 0 ? outcome : FAILED
  await print(values.json ? jsonOf(code, { changes, problems, warnings }) : changesReport(changes, survey))
  return code
}
