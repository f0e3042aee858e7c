// Place, air and force of each floater, from its position on the loop and what is in it. Pure.

import { Shape } from "./geometry.js"

const ZERO_CELSIUS = 273.15 // K

/** @typedef {{ fill: number, mass: number, kelvin: number | null }} Air */
/** @typedef {"fill" | "mass" | "temperature" | "force"} Quantity */
/**
 * @typedef {Record<"i" | "place" | "height" | "mass" | "fill" | "force", number>
 *   & { temperature: number | null, where: ReturnType<Shape["side"]> }} FloaterRow
 */

/**
 * `around`: positions in rounds of the loop; `air`: for each floater its share of air, mass (kg) and temperature (K, null if it
 * is empty). The rows are in metres, %, kg, °C and kN; the force is the buoyancy ρ g V f along the chain.
 * @param {ui.Parameters} parameters
 * @param {number[]} around
 * @param {Air[]} air
 * @returns {FloaterRow[]}
 */
export function floaterRows(parameters, around, air) {
  const p = parameters
  const shape = new Shape(p)
  return around.map((rounds, i) => {
    const place = rounds * shape.loop
    const [, height, angle] = shape.at(place)
    const { fill, mass, kelvin } = air[i]
    return {
      i,
      place,
      height,
      mass,
      where: shape.side(place),
      fill: 100 * fill,
      temperature: kelvin === null ? null : kelvin - ZERO_CELSIUS,
      force: (p.water_density * p.gravity * p.floater_volume * fill * Math.cos(angle)) / 1000,
    }
  })
}
