// Parameters by their declarations: classes, limits, and the text of a value. Pure.

import { howToType, typed, unitText } from "../format.js"

const WHOLE = ["floater_count", "pole_pairs"]

/**
 * Why a text is no value of a parameter, empty when it is one.
 * @param {ui.ParameterDeclaration} declaration
 * @param {string} text
 */
export function wrong({ name, unit, minimum, maximum, choices }, text) {
  if (choices.length) return choices.includes(text) ? "" : `choose one of ${choices.join(", ")}`
  const value = typed(text)
  const si = unit === "-" ? "" : ` ${unitText(unit)}`
  if (!Number.isFinite(value)) return howToType(text) || `give a number${si && ` in${si}`}`
  if (minimum !== null && value < minimum) return `the lowest value allowed is ${minimum}${si}`
  if (maximum !== null && value > maximum) return `the highest value allowed is ${maximum}${si}`
  if (WHOLE.includes(name) && !Number.isInteger(value)) return "give a whole number"
  return ""
}

/**
 * @param {ui.ParameterDeclaration} declaration
 * @param {string} text
 */
export const valueOf = ({ choices }, text) => (choices.length ? text : Number(text))

/**
 * A value as it is typed: without the last digits of its binary form.
 * @param {ui.Value} value
 */
export const valueText = (value) => (typeof value === "number" ? String(Number(value.toPrecision(12))) : String(value))

/**
 * A parameter that has one value only.
 * @param {ui.ParameterDeclaration} declaration
 */
export const fixedValue = ({ minimum, maximum }) => minimum !== null && minimum === maximum

/**
 * Names of those that are of the machine as built, and so begin another run.
 * @param {ui.ParameterDeclaration[]} declarations
 * @param {string[]} names
 */
export const built = (declarations, names) =>
  names.filter((name) => declarations.find((each) => each.name === name)?.kind === "built")

/**
 * Names of those that not even a fork can change: they fix the floaters' places.
 * @param {ui.ParameterDeclaration[]} declarations
 * @param {string[]} names
 */
export const unforkable = (declarations, names) =>
  names.filter((name) => declarations.find((each) => each.name === name)?.forkable === false)

/**
 * The class of a parameter, by what a change of it takes.
 * @param {ui.ParameterDeclaration} declaration
 */
export function kindText({ kind, forkable, ramp, unit }) {
  if (kind === "built") return forkable ? "built: fork or new run" : "built: new run"
  return ramp === null ? kind : `${kind}: moves by ${valueText(ramp)} ${unitText(unit)}/s`
}

/**
 * Names and values of a set that are not the ones in force.
 * @param {Record<string, ui.Value>} inForce
 * @param {Record<string, ui.Value>} values
 */
export const different = (inForce, values) => Object.entries(values).filter(([name, value]) => inForce[name] !== value)
