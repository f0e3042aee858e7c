// Scales of the bars beside the key figures, with the marks that give a value its meaning. Pure.

const POWER_CHANNELS = ["grid.import_power", "grid.export_power", "meters.compressor_power"]

/**
 * A key figure: its channel, the channel of its lap mean, and the scale of its bar.
 * @typedef {object} Card
 * @property {string} id
 * @property {string} label
 * @property {string} path
 * @property {string} [mean]
 * @property {"power" | "cop" | "speed" | "pressure" | "rpm"} scale
 * @property {boolean} [zero] with zero in its middle
 * @property {boolean} [laps] a mean over laps itself
 * @property {boolean} [range] shown with its extremes instead of a mean
 */

/**
 * @typedef {object} Bar
 * @property {number} low
 * @property {number} high
 * @property {number | null} [mark]
 * @property {number} [limit]
 * @property {ui.Range} [band]
 */

// Marks come from the parameters in force. Bars of powers share one scale, so that import and export can be compared by eye.
export class BarScales {
  constructor() {
    this.power = 1 // kW
    this.run = 0
  }

  /**
   * Widens the scale of the powers to what is shown, in steps of 1, 2, 5 and 10; another run begins with the smallest. It never
   * narrows in between: a scale that follows every value would make each of them look alike.
   * @param {number} run
   * @param {ui.Read} read
   */
  follow(run, read) {
    if (run !== this.run) {
      this.run = run
      this.power = 1
    }
    const most = Math.max(...POWER_CHANNELS.map((path) => Math.abs(read(path) ?? 0)))
    while (this.power < most) this.power *= this.power.toString().startsWith("2") ? 2.5 : 2
  }

  /**
   * The bar of a key figure; null while the parameters are not known. `setpoint`: of the fast shaft (rpm).
   * @param {Pick<Card, "scale" | "zero">} card
   * @param {number | null} value
   * @param {ui.Parameters | undefined} parameters
   * @param {number | null} setpoint
   * @returns {Bar | null}
   */
  bar({ scale, zero }, value, parameters, setpoint) {
    if (scale === "power") return zero ? { low: -this.power, high: this.power, mark: 0 } : { low: 0, high: this.power }
    if (scale === "cop") return { low: 0, high: Math.max(1.25, 1.25 * (value ?? 0)), mark: 1 }
    if (!parameters) return null
    const p = parameters
    if (scale === "pressure") {
      const [trip, load, unload] = [p.trip_pressure, p.load_pressure, p.unload_pressure].map((pascal) => pascal / 1e5)
      return { low: 0, high: 1.1 * trip, band: [load, unload], limit: trip }
    }
    if (scale === "rpm") {
      return { low: 0, high: 1.25 * p.generator_rated_speed, mark: setpoint, limit: 1.15 * p.generator_rated_speed }
    }
    const metres = setpoint === null ? NaN : ((setpoint * Math.PI) / 30 / p.gear_ratio) * p.sprocket_radius
    return { low: 0, high: Math.max(0.1, 2 * metres || 1), mark: metres }
  }
}
