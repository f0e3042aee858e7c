// The shape of the chain in metres, from the parameters in force: z upward from the lowest point of the chain.

/** @typedef {[number, number]} Point */

export class Shape {
  /** @param {ui.Parameters} parameters */
  constructor(parameters) {
    this.depth = parameters.water_depth
    this.radius = parameters.sprocket_radius
    this.run = this.depth - 2 * this.radius
    this.loop = 2 * this.run + 2 * Math.PI * this.radius
    this.height = parameters.bucket_height
    this.width = Math.sqrt(parameters.mouth_area)
    // The injection window begins on the lower arc, `injection_start_tilt` before the up run: near the end of the loop.
    this.opens =
      (this.loop - (this.radius * (parameters.injection_start_tilt ?? 0) * Math.PI) / 180 + this.loop) % this.loop
    this.opening = parameters.injection_window_length ?? 0
  }

  /**
   * For a place s on the loop: x (positive on the up run), z, and the angle of the direction of travel from upright. The loop
   * begins at the lower end of the up run.
   * @param {number} s
   */
  at(s) {
    const arc = Math.PI * this.radius
    if (s < this.run) return [this.radius, this.radius + s, 0]
    if (s < this.run + arc) {
      const phi = (s - this.run) / this.radius
      return [this.radius * Math.cos(phi), this.radius + this.run + this.radius * Math.sin(phi), phi]
    }
    if (s < 2 * this.run + arc) return [-this.radius, this.radius + this.run - (s - this.run - arc), Math.PI]
    const phi = (s - 2 * this.run - arc) / this.radius
    return [-this.radius * Math.cos(phi), this.radius - this.radius * Math.sin(phi), Math.PI + phi]
  }

  /**
   * The part of the loop that a place lies on: "up", "top", "down" or "bottom".
   * @param {number} s
   */
  side(s) {
    const arc = Math.PI * this.radius
    if (s < this.run) return "up"
    if (s < this.run + arc) return "top"
    return s < 2 * this.run + arc ? "down" : "bottom"
  }
}

/**
 * The corners of a box of `width` x `height` around (0, 0), turned by `angle`, y upward.
 * @param {number} width
 * @param {number} height
 * @param {number} angle
 * @returns {Point[]}
 */
export function corners(width, height, angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  /** @type {Point[]} */
  const upright = [
    [-width / 2, height / 2],
    [width / 2, height / 2],
    [width / 2, -height / 2],
    [-width / 2, -height / 2],
  ]
  return upright.map(([x, y]) => [x * c - y * s, x * s + y * c])
}

/**
 * How far below the highest corner of a turned box a level lies that leaves the share `fill` of the box above it.
 * @param {number} width
 * @param {number} height
 * @param {number} angle
 * @param {number} fill
 */
export function levelBelowTop(width, height, angle, fill) {
  // Seen by height, a turned box has a triangle at either end, a high, and a middle part of constant width, up to b. The share
  // above a level grows with its square in the triangles, and evenly in between.
  const a = Math.min(width * Math.abs(Math.sin(angle)), height * Math.abs(Math.cos(angle)))
  const b = Math.max(width * Math.abs(Math.sin(angle)), height * Math.abs(Math.cos(angle)))
  const ramp = a / (2 * b)
  if (fill < ramp) return Math.sqrt(2 * a * b * fill)
  if (fill <= 1 - ramp) return a / 2 + fill * b
  return a + b - Math.sqrt(2 * a * b * (1 - fill))
}

/**
 * The part of a polygon above the level y.
 * @param {Point[]} polygon
 * @param {number} level
 */
export function above(polygon, level) {
  /** @type {Point[]} */
  const part = []
  polygon.forEach(([x1, y1], i) => {
    const [x2, y2] = polygon[(i + 1) % polygon.length]
    if (y1 >= level) part.push([x1, y1])
    if (y1 >= level !== y2 >= level) {
      const share = (level - y1) / (y2 - y1)
      part.push([x1 + share * (x2 - x1), level])
    }
  })
  return part
}
