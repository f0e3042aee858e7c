// The plants of the lab side by side: what is compared, and over which laps. Pure.

import { lapsText } from "./lap_means.js"

/**
 * @param {number | null | undefined} a
 * @param {number | null | undefined} b
 */
const less = (a, b) => (a === null || a === undefined || b === null || b === undefined ? null : a - b)
/** @param {ui.LabMeans | undefined} row */
const taken = (row) =>
  !row || row.compressor_power === null || row.auxiliary_power === null
    ? null
    : row.compressor_power + row.auxiliary_power

/**
 * A line of the comparison.
 * @typedef {object} ComparedLine
 * @property {string} label
 * @property {string} unit
 * @property {number} factor from SI to that unit
 * @property {number} decimals
 * @property {string} [hint]
 * @property {boolean} [unpaid] coloured where it is above 0
 * @property {boolean} [steady] has no value while the stores change
 * @property {(row: ui.LabMeans, off?: ui.LabMeans) => number | null} of
 */

/**
 * `of` reads a row of the comparison, or the running plant's lap means under the same names.
 * @type {ComparedLine[]}
 */
export const COMPARED = [
  {
    label: "Gain",
    hint: "power to the grid in addition to that without any claim",
    unit: "kW",
    factor: 1e-3,
    decimals: 2,
    of: (row, off) => less(row.grid_power, off?.grid_power),
  },
  {
    label: "Cost",
    hint: "power taken in addition to that without any claim",
    unit: "kW",
    factor: 1e-3,
    decimals: 2,
    of: (row, off) => less(taken(row), taken(off)),
  },
  { label: "Without a source", unit: "kW", factor: 1e-3, decimals: 2, of: (row) => row.unsourced_power, unpaid: true },
  { label: "Net power", unit: "kW", factor: 1e-3, decimals: 2, of: (row) => row.net_power, steady: true },
  { label: "To the grid", unit: "kW", factor: 1e-3, decimals: 2, of: (row) => row.grid_power },
  { label: "Taken", unit: "kW", factor: 1e-3, decimals: 2, of: (row) => taken(row) },
  {
    label: "COP",
    hint: "corrected for what the stores gave and took",
    unit: "",
    factor: 1,
    decimals: 3,
    of: (row) => row.cop,
    steady: true,
  },
  {
    label: "COP without claims",
    hint: "energy without a source is counted as a source",
    unit: "",
    factor: 1,
    decimals: 3,
    of: (row) => row.cop_without_claims,
    steady: true,
  },
  {
    label: "Stores changed",
    hint: "of the energy taken in; beyond the limit there is no net power and no COP",
    unit: "%",
    factor: 100,
    decimals: 2,
    of: (row) => row.storage_share,
  },
  { label: "Chain speed", unit: "m/s", factor: 1, decimals: 3, of: (row) => row.chain_speed },
]

/**
 * How many laps are in the means, and how many at the start are left out.
 * @param {ui.LabRow[]} rows
 */
export function windowsText(rows) {
  const calm = rows.filter(({ settled }) => settled)
  if (!calm.length) return "none of them did"
  /** @param {"laps" | "left_out"} name */
  const range = (name) => [...new Set(calm.map((row) => row[name]))].sort((a, b) => a - b)
  /** @param {number[]} numbers */
  const told = (numbers) =>
    numbers.length === 1 ? lapsText(numbers[0]) : `${numbers[0]} to ${lapsText(numbers[numbers.length - 1])}`
  const rest = rows.length - calm.length
  return `means of ${told(range("laps"))}, ${told(range("left_out"))} from the start left out${rest ? `; ${rest} did not settle` : ""}`
}
