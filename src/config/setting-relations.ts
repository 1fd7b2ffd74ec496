import { type SettingProblem } from './config-error'

/**
 * Something that must hold between settings which are each correct alone.
 *
 * @param values - by the names of the settings; those that are not set and have no default are undefined
 * @param variableOf - the variable that was set for a setting, or else the one that can be set
 */
export type SettingRelation = (
  values: Readonly<Record<string, unknown>>,
  variableOf: (name: string) => string,
) => SettingProblem[]

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

/** Of two settings one is needed and the other must not be set. */
export const exactlyOne =
  (one: string, other: string, why: string): SettingRelation =>
  (values, variableOf) => {
    const [variable, second] = [variableOf(one), variableOf(other)]
    if (isGiven(values[one]) !== isGiven(values[other])) return []
    const both = isGiven(values[one]) ? 'both of them are set' : 'neither is set'
    return [
      {
        variable,
        problem: `Value must be set, or that of ${second}: exactly one of them, and ${both}. ${why}`,
      },
    ]
  }

export const atLeastOne =
  (one: string, other: string, why: string): SettingRelation =>
  (values, variableOf) =>
    isGiven(values[one]) || isGiven(values[other])
      ? []
      : [{ variable: variableOf(one), problem: `Value must be set, or that of ${variableOf(other)}. ${why}` }]

/** A setting that means nothing unless another is set as well. */
export const needs =
  (name: string, other: string): SettingRelation =>
  (values, variableOf) =>
    !isGiven(values[name]) || isGiven(values[other])
      ? []
      : [{ variable: variableOf(other), problem: `Value is required with ${variableOf(name)}` }]

/** Both or none of them. */
export const together =
  (one: string, other: string): SettingRelation =>
  (...given) => [...needs(one, other)(...given), ...needs(other, one)(...given)]
