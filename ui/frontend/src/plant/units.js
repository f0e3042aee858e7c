// The units that people read instead of SI: shown = value * factor + offset. Pure.

import { unitText } from "../format.js"

/** @type {Record<string, [string, number, number]>} */
const READ_AS = {
  W: ["kW", 1e-3, 0],
  J: ["kWh", 1 / 3.6e6, 0],
  Pa: ["bar", 1e-5, 0],
  K: ["°C", 1, -273.15],
  N: ["kN", 1e-3, 0],
  1: ["", 1, 0],
}

/**
 * [unit, factor, offset] for an SI unit; a unit that is not listed is shown as it is.
 * @param {string} unit
 */
export const readAs = (unit) => READ_AS[unit] ?? [unitText(unit), 1, 0]
