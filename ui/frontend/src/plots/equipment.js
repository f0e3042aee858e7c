// Everything in the picture but the chain: what stands still is drawn once, what flows and turns each time.

import { circle, line, rounded } from "./canvas.js"

/** @typedef {import("./mimic_layout.js").Plan} Plan */
/** @typedef {import("../plant/geometry.js").Shape} Shape */
/** @typedef {import("./canvas.js").Point} Point */
/** @typedef {Record<string, string>} Colours by their names in the style sheet. */
/**
 * What moves in the picture: how far flows and wheels have come, and how much flows.
 * @typedef {Record<"flow" | "turned" | "gear" | "air" | "supply" | "import" | "export" | "pressure", number>
 *   & { parameters: ui.Parameters }} Motion
 */

const FLOW = 26

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Shape} shape
 * @param {Colours} colour
 */
export function drawStatic(pen, plan, shape, colour) {
  const { tank } = plan
  pen.clearRect(0, 0, plan.width, plan.height)
  const water = pen.createLinearGradient(0, tank.surface, 0, tank.bottom)
  water.addColorStop(0, colour["water-top"])
  water.addColorStop(1, colour["water-bottom"])
  pen.fillStyle = water
  pen.fillRect(tank.left, tank.surface, tank.right - tank.left, tank.bottom - tank.surface)
  pen.strokeStyle = colour.flow
  line(pen, 1, [
    [tank.left, tank.surface + 0.5],
    [tank.right, tank.surface + 0.5],
  ])
  pen.strokeStyle = colour.steel
  line(pen, 2.5, [
    [tank.left - 1, tank.top],
    [tank.left - 1, tank.bottom + 1],
    [tank.right + 1, tank.bottom + 1],
    [tank.right + 1, tank.top],
  ])
  depthScale(pen, plan, shape, colour)
  pipes(pen, plan, colour)
  drivetrain(pen, plan, colour)
  lensFrame(pen, plan, colour)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Shape} shape
 * @param {Colours} colour
 */
function depthScale(pen, plan, shape, colour) {
  const step = [0.5, 1, 2, 5, 10, 20].find((metres) => metres * plan.scale >= 44) ?? 50
  pen.font = "10px Roboto, sans-serif"
  pen.textBaseline = "middle"
  pen.textAlign = "right"
  for (let mark = 0; (mark * step) / 5 <= shape.depth; mark++) {
    const major = mark % 5 === 0
    const depth = major ? (mark / 5) * step : (mark * step) / 5
    const y = Math.round(plan.y(shape.depth - depth)) + 0.5
    pen.strokeStyle = colour.steel
    line(pen, 1, [
      [plan.tank.left - (major ? 8 : 4), y],
      [plan.tank.left - 2, y],
    ])
    pen.fillStyle = colour.dim
    if (major) pen.fillText(`${depth} m`, plan.tank.left - 11, y)
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Colours} colour
 */
function pipes(pen, plan, colour) {
  const { compressor, receiver } = plan
  pen.strokeStyle = colour.steel
  for (const path of [supplyPath(plan), injectionPath(plan)]) line(pen, 5, path)
  pen.strokeStyle = colour.panel
  for (const path of [supplyPath(plan), injectionPath(plan)]) line(pen, 2.5, path)
  pen.strokeStyle = colour.steel
  pen.fillStyle = colour["steel-fill"]
  pen.lineWidth = 1.5
  rounded(pen, receiver.x - receiver.width / 2, receiver.y, receiver.width, receiver.height, receiver.width / 2)
  pen.fill()
  pen.stroke()
  circle(pen, compressor.x, compressor.y, compressor.radius)
  pen.fill()
  pen.stroke()
  const r = compressor.radius
  line(pen, 1.5, [
    [compressor.x - 0.72 * r, compressor.y + 0.68 * r],
    [compressor.x - 0.32 * r, compressor.y - 0.94 * r],
  ])
  line(pen, 1.5, [
    [compressor.x + 0.72 * r, compressor.y + 0.68 * r],
    [compressor.x + 0.32 * r, compressor.y - 0.94 * r],
  ])
  const [x, y, s] = [(plan.riser + plan.tank.right) / 2, plan.under, 8]
  pen.fillStyle = colour["steel-fill"]
  for (const side of [-1, 1]) {
    pen.beginPath()
    pen.moveTo(x, y)
    pen.lineTo(x + side * s * 1.3, y - s)
    pen.lineTo(x + side * s * 1.3, y + s)
    pen.closePath()
    pen.fill()
    pen.stroke()
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Colours} colour
 */
function drivetrain(pen, plan, colour) {
  const { axis, gearbox, flywheel, generator, converter, bus } = plan
  pen.strokeStyle = colour.steel
  line(pen, 3, [
    [plan.middle, axis],
    [generator.x, axis],
  ])
  pen.fillStyle = colour["steel-fill"]
  pen.lineWidth = 1.5
  rounded(pen, gearbox.x - gearbox.width / 2, axis - gearbox.height / 2, gearbox.width, gearbox.height, 4)
  pen.fill()
  pen.stroke()
  pen.fillStyle = colour.dim
  pen.textAlign = "center"
  pen.fillText("gear", gearbox.x, axis - gearbox.height / 2 - 8)
  pen.fillStyle = colour["steel-fill"]
  circle(pen, flywheel.x, axis, flywheel.radius)
  pen.fill()
  pen.stroke()
  line(pen, 1.5, importPath(plan))
  line(pen, 1.5, exportPath(plan))
  line(pen, 2.5, [
    [12, bus],
    [plan.width - 12, bus],
  ])
  pen.fillStyle = colour["steel-fill"]
  pen.lineWidth = 1.5
  circle(pen, generator.x, axis, generator.radius)
  pen.fill()
  pen.stroke()
  const s = converter.size
  rounded(pen, converter.x - s / 2, converter.y - s / 2, s, s, 4)
  pen.fill()
  pen.stroke()
  line(pen, 1, [
    [converter.x - s / 2, converter.y + s / 2],
    [converter.x + s / 2, converter.y - s / 2],
  ])
  pen.fillStyle = colour.text
  pen.font = "600 13px Roboto, sans-serif"
  pen.fillText("G", generator.x, axis + 1)
  pen.font = "10px Roboto, sans-serif"
  pen.fillText("~", converter.x + s / 4, converter.y + s / 4)
  pen.fillText("=", converter.x - s / 4, converter.y - s / 4)
  pen.fillStyle = colour.dim
  pen.fillText("GRID", plan.middle, bus + 12)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Colours} colour
 */
function lensFrame(pen, plan, colour) {
  const { lens, inlet, tank } = plan
  const small = lens.radius * (plan.scale / lens.scale)
  pen.strokeStyle = colour.dim
  pen.lineWidth = 1
  pen.setLineDash([3, 3])
  circle(pen, inlet.x, inlet.y, small)
  pen.stroke()
  line(pen, 1, [
    [Math.max(tank.right, inlet.x + small * 0.8), inlet.y - small * 0.3],
    [lens.x - lens.radius * 0.94, lens.y + lens.radius * 0.3],
  ])
  pen.setLineDash([])
  const water = pen.createLinearGradient(0, lens.y - lens.radius, 0, lens.y + lens.radius)
  water.addColorStop(0, colour["water-bottom"])
  water.addColorStop(1, colour["water-bottom"])
  pen.fillStyle = water
  circle(pen, lens.x, lens.y, lens.radius)
  pen.fill()
  pen.strokeStyle = colour.steel
  pen.lineWidth = 2
  pen.stroke()
  pen.fillStyle = colour.dim
  pen.textAlign = "center"
  pen.fillText(`injection, ${(lens.scale / plan.scale).toFixed(1)} ×`, lens.x, lens.y - lens.radius - 9)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Colours} colour
 * @param {Motion} now
 */
export function drawEquipment(pen, plan, colour, now) {
  vessel(pen, plan, colour, now)
  drawWheel(pen, plan.flywheel.x, plan.axis, plan.flywheel.radius - 2, now.turned * Math.min(now.gear, 3), colour)
  if (now.supply > 0) dashes(pen, supplyPath(plan), colour.flow, now.flow, 2)
  if (now.air > 0) dashes(pen, injectionPath(plan), colour.flow, now.flow, 2)
  if (now.import > 0) dashes(pen, importPath(plan), colour.import, now.flow, 2)
  if (now.export > 0) dashes(pen, exportPath(plan), colour.export, now.flow, 2)
  else if (now.export < 0) dashes(pen, exportPath(plan).toReversed(), colour.import, now.flow, 2)
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Plan} plan
 * @param {Colours} colour
 * @param {Motion} now
 */
function vessel(pen, plan, colour, { pressure, parameters }) {
  const { receiver } = plan
  /** @param {number} p */
  const level = (p) => receiver.y + receiver.height * (1 - Math.min(1, p / parameters.trip_pressure))
  pen.save()
  rounded(
    pen,
    receiver.x - receiver.width / 2 + 2,
    receiver.y + 2,
    receiver.width - 4,
    receiver.height - 4,
    receiver.width / 2 - 2,
  )
  pen.clip()
  pen.globalAlpha = 0.55
  pen.fillStyle = colour.flow
  const top = level(pressure)
  pen.fillRect(receiver.x - receiver.width / 2, top, receiver.width, receiver.y + receiver.height - top)
  pen.restore()
  pen.strokeStyle = colour.text
  for (const p of [parameters.load_pressure, parameters.unload_pressure]) {
    line(pen, 1, [
      [receiver.x + receiver.width / 2 - 9, level(p)],
      [receiver.x + receiver.width / 2, level(p)],
    ])
  }
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 * @param {number} angle
 * @param {Colours} colour
 */
export function drawWheel(pen, x, y, radius, angle, colour) {
  if (radius <= 2) return
  pen.strokeStyle = colour.steel
  pen.lineWidth = 1.25
  circle(pen, x, y, radius)
  pen.stroke()
  pen.beginPath()
  for (let spoke = 0; spoke < 6; spoke++) {
    const turn = angle + (spoke * Math.PI) / 3
    pen.moveTo(x + 3 * Math.cos(turn), y - 3 * Math.sin(turn))
    pen.lineTo(x + radius * Math.cos(turn), y - radius * Math.sin(turn))
  }
  pen.stroke()
  pen.fillStyle = colour.steel
  circle(pen, x, y, 3)
  pen.fill()
}

/**
 * @param {Plan} plan
 * @returns {Point[]}
 */
const supplyPath = ({ compressor, receiver }) => [
  [compressor.x, compressor.y - compressor.radius],
  [receiver.x, receiver.y + receiver.height],
]

/**
 * @param {Plan} plan
 * @returns {Point[]}
 */
const injectionPath = ({ receiver, riser, under, inlet, tank }) => [
  [receiver.x + receiver.width / 2, receiver.y + receiver.height * 0.75],
  [riser, receiver.y + receiver.height * 0.75],
  [riser, under],
  [inlet.x, under],
  [inlet.x, tank.bottom],
]

/**
 * @param {Plan} plan
 * @returns {Point[]}
 */
const importPath = ({ compressor, bus }) => [
  [compressor.x, bus],
  [compressor.x, compressor.y + compressor.radius],
]

/**
 * @param {Plan} plan
 * @returns {Point[]}
 */
const exportPath = ({ generator, bus }) => [
  [generator.x, generator.y + generator.radius],
  [generator.x, bus],
]

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Point[]} path
 * @param {string} colour
 * @param {number} flow
 * @param {number} width
 */
function dashes(pen, path, colour, flow, width) {
  pen.save()
  pen.strokeStyle = colour
  pen.setLineDash([5, 6])
  pen.lineDashOffset = -flow * FLOW
  line(pen, width, path)
  pen.restore()
}
