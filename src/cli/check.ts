import { resolve } from 'node:path'
import { type SettingsSurvey, surveyOfModule, surveyOfService } from '../service/settings-survey'
import { reportOf } from './check-report'
import { type Command, FAILED, MisuseError, OK, parsed, print } from './command'

const OPTIONS = { json: { type: 'boolean' }, all: { type: 'boolean' }, help: { type: 'boolean' } } as const

const USAGE = `Usage: tickwell check [--all] [--json] [<module>]

Checks the settings in the environment without starting anything, and shows where each value comes from and what it is by default.
Without a module it checks the service and its adapters. A module is a file that exports an adapter of your own as \`adapter\`.

  --all   shows every setting; else those that are set, or have another value than the framework's default
  --json  prints all of it as JSON

Ends with 1 when there is a problem. The values of secrets are never shown.`

const jsonOf = (survey: SettingsSurvey): string =>
  JSON.stringify({ ok: survey.problems.length === 0, ...survey }, null, 2)

/** @throws MisuseError for arguments that there are not */
export const check: Command = async (args) => {
  const { values, positionals } = parsed({ args, options: OPTIONS, allowPositionals: true })
  const [file, ...others] = positionals
  if (others.length > 0) throw new MisuseError(`Only one module can be checked, not ${others.join(', ')} too`)
  if (values.help) {
    await print(USAGE)
    return OK
  }
  const survey = file === undefined ? await surveyOfService() : await surveyOfModule(resolve(file))
  await print(values.json ? jsonOf(survey) : reportOf(survey, values.all === true))
  return survey.problems.length === 0 ? OK : FAILED
}
