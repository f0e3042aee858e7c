// Drawing on a canvas: its pen, and the strokes that pictures are made of.

/** @typedef {import("../plant/geometry.js").Point} Point */

/**
 * What a canvas is drawn with.
 * @param {HTMLCanvasElement} canvas
 */
export function penOf(canvas) {
  const pen = canvas.getContext("2d")
  if (!pen) throw new Error("this browser cannot draw on a canvas")
  return pen
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} width
 * @param {Point[]} path
 */
export function line(pen, width, path) {
  pen.lineWidth = width
  pen.beginPath()
  for (const [x, y] of path) pen.lineTo(x, y)
  pen.stroke()
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function circle(pen, x, y, radius) {
  pen.beginPath()
  pen.arc(x, y, radius, 0, 2 * Math.PI)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 */
export function rounded(pen, x, y, width, height, radius) {
  pen.beginPath()
  pen.roundRect(x, y, width, height, radius)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Point[]} points
 * @param {number} x
 * @param {number} y
 */
export function polygon(pen, points, x, y) {
  pen.beginPath()
  for (const [px, py] of points) pen.lineTo(x + px, y - py)
  pen.closePath()
}
