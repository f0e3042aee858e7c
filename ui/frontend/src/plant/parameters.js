// Parameters by their declarations: kinds, limits, and values as text. Pure.

import { howToType, typed, unitText } from "../format.js"

const WHOLE = ["floater_count", "pole_pairs"]

/**
 * Why a text is not a permitted value of a parameter; empty if it is. The plant checks the value again, with all the others.
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
 * A value as people would type it: without the digits that only come from its binary form.
 * @param {ui.Value} value
 */
export const valueText = (value) => (typeof value === "number" ? String(Number(value.toPrecision(12))) : String(value))

/**
 * Whether a parameter can only have one value.
 * @param {ui.ParameterDeclaration} declaration
 */
export const fixedValue = ({ minimum, maximum }) => minimum !== null && minimum === maximum

/**
 * The names among some that belong to the machine as built, so that a change of them begins another run.
 * @param {ui.ParameterDeclaration[]} declarations
 * @param {string[]} names
 */
export const built = (declarations, names) =>
  names.filter((name) => declarations.find((each) => each.name === name)?.kind === "built")

/**
 * The names among some that not even a fork can change, because the positions of the floaters depend on them.
 * @param {ui.ParameterDeclaration[]} declarations
 * @param {string[]} names
 */
export const unforkable = (declarations, names) =>
  names.filter((name) => declarations.find((each) => each.name === name)?.forkable === false)

/**
 * The kind of a parameter, with what a change of it takes.
 * @param {ui.ParameterDeclaration} declaration
 */
export function kindText({ kind, forkable, ramp, unit }) {
  if (kind === "built") return forkable ? "built: fork or new run" : "built: new run"
  return ramp === null ? kind : `${kind}: moves by ${valueText(ramp)} ${unitText(unit)}/s`
}

/**
 * Names and values of a set that differ from those in force.
 * @param {Record<string, ui.Value>} inForce
 * @param {Record<string, ui.Value>} values
 */
export const different = (inForce, values) => Object.entries(values).filter(([name, value]) => inForce[name] !== value)
