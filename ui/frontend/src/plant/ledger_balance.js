// Where the energy has come from and gone to by the first-law ledger, and what that means. Pure.
//
// `read` gives a channel's value in the unit people read, null if there is none.

import { fixed } from "../format.js"
import { RUN_START } from "./accounting_start.js"
import { lapsText } from "./lap_means.js"
import { namesOf } from "./ledger_lines.js"

/** @typedef {{ id: string, label: string, paths: string[] }} Part */

/**
 * @param {string} id
 * @param {string} label
 * @returns {Part}
 */
const part = (id, label) => ({ id, label, paths: namesOf(id) })

export const IN = [
  part("grid-in", "From the grid"),
  part("water", "Heat from the water"),
  part("unsourced", "No source in the model"),
  part("surroundings", "Surroundings that changed"),
]
export const OUT = [
  part("grid-out", "To the grid"),
  part("air", "Heat of compression, air vented"),
  part("drag", "Water: drag, exchange"),
  part("mechanics", "Chain, brake, gearbox, flywheel"),
  part("electrics", "Generator, converter, auxiliaries"),
]
export const STORED = { id: "stored", label: "Stored in air, water, motion" }

/**
 * Energies by part (kWh), and their sums.
 * @typedef {{ given: Map<string, number>, in: number, out: number, stored: number }} Balance
 */

/**
 * Sums of the ledger by part, and what went in, out and into store; null while any of its lines is unknown.
 * @param {ui.Read} read
 * @returns {Balance | null}
 */
export function ledgerBalance(read) {
  /** @type {Map<string, number>} */
  const given = new Map()
  for (const { id, paths } of [...IN, ...OUT]) {
    let sum = 0
    for (const path of paths) {
      const value = read(`ledger.${path}`)
      if (value === null) return null
      sum += value
    }
    given.set(id, sum)
  }
  /** @param {Part[]} parts */
  const total = (parts) => parts.reduce((all, { id }) => all + (given.get(id) ?? 0), 0)
  // From the other lines and not from the stores themselves, so that the two sides of the picture are equally long. The
  // residual is shown as a number; as a part of the picture it could not be seen.
  const stored = total(IN) - total(OUT) + (read("ledger.residual") ?? 0)
  given.set(STORED.id, stored)
  return { given, in: total(IN), out: total(OUT), stored }
}

/**
 * The two stacks of the picture by part, none of them negative: a flow below zero is drawn on the other side.
 * @param {Balance | null} balance
 */
export function stacks(balance) {
  /** @type {{ in: Map<string, number>, out: Map<string, number> }} */
  const sides = { in: new Map(), out: new Map() }
  /**
   * @param {Map<string, number>} own
   * @param {Map<string, number>} other
   * @param {string} id
   */
  const place = (own, other, id) => {
    const value = balance?.given.get(id) ?? 0
    if (value >= 0) own.set(id, value)
    else other.set(id, -value)
  }
  for (const { id } of IN) place(sides.in, sides.out, id)
  for (const { id } of [...OUT, STORED]) place(sides.out, sides.in, id)
  return sides
}

/**
 * What the ledger says about the plant so far, in sentences. `since`: the moment from which the ledger counts; `why`: a word
 * and a sentence that say why there are no lap means.
 * @param {Balance | null} balance
 * @param {number | null} taken
 * @param {number | null} given
 * @param {string} since
 * @param {{ word: string, text: string }} why
 */
export function verdictSoFar(balance, taken, given, since, why) {
  if (taken === null || given === null || !balance)
    return "No numbers from the plant: nothing can be said of its balance now."
  if (taken === 0 && given === 0) return "No energy has flowed in this run yet."
  const span = since === RUN_START ? "So far" : `Since ${since}`
  const numbers = `${span} it has taken ${fixed(taken, 3)} kWh from the grid and delivered ${fixed(given, 3)} kWh.`
  const waits = why.word === "settling" || why.word === "not steady"
  const wait = waits ? ` ${why.text[0].toUpperCase()}${why.text.slice(1)}.` : ""
  return `${given < taken ? "This plant takes more than it delivers. " : ""}${numbers}${wait}`
}

/**
 * What the means of the last laps say about the plant. `claimed`: whether any hypothesis acts as claimed.
 * @param {import("./lap_means.js").SettledMeans} means
 * @param {boolean} claimed
 */
export function verdictOverLaps({ laps, taken, given, cop, withoutClaims, unsourced }, claimed) {
  const span = `mean of ${laps === 1 ? "the last lap" : `the last ${lapsText(laps)}`}`
  const added = claimed && withoutClaims !== null
  const claims = added ? ` Without what the claims add, the COP is ${fixed(withoutClaims, 3)}.` : ""
  const numbers = `${fixed(taken, 1)} kW in, ${fixed(given, 1)} kW out (${span})`
  if (given <= taken) {
    const back = cop === null ? "" : ` Of each kWh taken, ${fixed(cop, 2)} kWh comes back.`
    return `This plant takes more than it delivers: ${numbers}.${back}${claims}`
  }
  if (unsourced !== null && unsourced > 0) {
    return `More comes out than goes in, ${numbers}, but ${fixed(unsourced, 1)} kW of it has no source in the model.${claims}`
  }
  const paid = "stored energy, warm water or changing surroundings paid for it"
  return `More came out than went in over this span, ${numbers}: ${paid}.${claims}`
}
