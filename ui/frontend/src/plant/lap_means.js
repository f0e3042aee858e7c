// The means of the last laps by the plant's meters, and how far the plant is from having settled. Pure.
//
// `read` gives a channel's value in the unit people read, null if there is none.

import { MISSING } from "../format.js"

/**
 * Powers in kW.
 * @typedef {object} LapMeans
 * @property {number} laps
 * @property {number | null} taken from the grid
 * @property {number | null} given to it
 * @property {number | null} cop
 * @property {number | null} withoutClaims COP without what the claims add
 * @property {number | null} unsourced
 */

/** @typedef {LapMeans & { taken: number, given: number }} SettledMeans */

/**
 * The means of the last laps; null before the first complete lap.
 * @param {ui.Read} read
 * @returns {LapMeans | null}
 */
export function lapMeans(read) {
  const laps = read("meters.laps")
  if (!laps) return null
  const compressor = read("meters.compressor_power")
  const auxiliary = read("meters.auxiliary_power")
  return {
    laps,
    taken: compressor === null || auxiliary === null ? null : compressor + auxiliary,
    given: read("meters.grid_power"),
    cop: read("meters.cop"),
    withoutClaims: read("meters.cop_without_claims"),
    unsourced: read("meters.unsourced_power"),
  }
}

/**
 * Why there is no settled mean yet: a word, and a sentence that says what is still to come. `plc`: state of the controller, null
 * while nothing is heard; `laps`: laps since the start.
 * @param {string | null} plc
 * @param {number} laps
 */
export function settling(plc, laps) {
  if (!plc) return { word: MISSING, text: "nothing is heard from the plant" }
  const state = plc.replaceAll("_", " ")
  if (plc !== "running" && plc !== "coasting")
    return { word: state, text: `the plant is ${state}: there is no settled lap` }
  const wanted =
    "a mean is of five laps that are alike, without the first lap and without laps in which something was changed"
  return { word: "settling", text: `settling: ${lapsText(laps)} since the start; ${wanted}` }
}

/** @param {number} laps */
export const lapsText = (laps) => (laps === 1 ? "1 lap" : `${laps} laps`)
