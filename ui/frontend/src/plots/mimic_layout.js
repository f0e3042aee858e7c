// Where everything of the picture stands, in pixels: the shaft true to scale in the middle, air supply left, power right.

/** @typedef {import("../plant/geometry.js").Shape} Shape */
/** @typedef {(metres: number) => number} ToPixels */
/**
 * The shaft: `x` and `y` give pixels for metres from the lowest point of the chain, `k` is the size of what is no scale drawing.
 * @typedef {{ x: ToPixels, y: ToPixels, tank: Record<"left" | "right" | "top" | "bottom" | "surface", number> }
 *   & Record<"width" | "height" | "scale" | "middle" | "k" | "bus", number>} Frame
 */
/** @typedef {Frame & ReturnType<typeof supply> & ReturnType<typeof power> & { inlet: ReturnType<typeof inlet> }} Machines */
/** @typedef {Machines & { lens: ReturnType<typeof lens>, tags: ReturnType<typeof tags> }} Plan */
/** @typedef {keyof ReturnType<typeof tags>} TagId */

const ABOVE = 1.0
const BELOW = 0.9

/**
 * @param {number} width
 * @param {number} height
 * @param {Shape} shape
 * @returns {Plan}
 */
export function layout(width, height, shape) {
  const [top, bottom] = [50, 104]
  const across = 2 * (shape.radius + shape.width / 2 + 0.5)
  const scale = Math.min((height - top - bottom) / (shape.depth + ABOVE + BELOW), (0.34 * width) / across)
  const middle = Math.round(width / 2)
  const floor = height - bottom
  /** @param {number} metres */
  const x = (metres) => middle + metres * scale
  /** @param {number} metres */
  const y = (metres) => floor - BELOW * scale - metres * scale
  const tank = {
    left: Math.round(middle - (across / 2) * scale),
    right: Math.round(middle + (across / 2) * scale),
    top: Math.round(y(shape.depth + ABOVE)),
    bottom: Math.round(floor),
    surface: Math.round(y(shape.depth)),
  }
  const k = Math.min(1.25, Math.max(0.62, tank.left / 175))
  const frame = { width, height, scale, middle, x, y, tank, k, bus: height - 30 }
  const machines = { ...frame, ...supply(frame), ...power(frame, shape), inlet: inlet(shape, x, y) }
  return { ...machines, lens: lens(machines, shape), tags: tags(machines) }
}

/** @param {Frame} frame */
function supply({ tank, height, k }) {
  const x = Math.max(34, Math.round(tank.left * 0.26))
  const compressor = { x, y: tank.bottom - 30 - 21 * k, radius: 21 * k }
  const tall = Math.min(112 * k, height * 0.2)
  const receiver = { x, width: 44 * k, height: tall, y: compressor.y - 36 * k - tall }
  return { compressor, receiver, under: tank.bottom + 18, riser: tank.left - 48 }
}

/**
 * @param {Frame} frame
 * @param {Shape} shape
 */
function power({ tank, width, bus, k, y }, shape) {
  const axis = Math.round(y(shape.depth - shape.radius))
  const room = width - tank.right
  const generator = { x: tank.right + room * 0.81, y: axis, radius: 21 * k }
  const below = axis + 24 * k + 64
  return {
    axis,
    gearbox: { x: tank.right + room * 0.2, y: axis, width: 22 * k, height: 36 * k },
    flywheel: { x: tank.right + room * 0.48, y: axis, radius: 23 * k },
    generator,
    converter: { x: generator.x, y: Math.max(below, axis + (bus - axis) * 0.27), size: 28 * k },
  }
}

/**
 * Where air enters: the middle of the injection window.
 * @param {Shape} shape
 * @param {Frame["x"]} x
 * @param {Frame["y"]} y
 */
function inlet(shape, x, y) {
  const [xm, zm] = shape.at((shape.opens + shape.opening / 2) % shape.loop)
  return { x: Math.round(x(xm)), y: Math.round(y(zm)), at: [xm, zm] }
}

/**
 * @param {Machines} plan
 * @param {Shape} shape
 */
function lens({ width, tank, converter, inlet: { at } }, shape) {
  const room = width - tank.right
  const radius = Math.min(84, room * 0.37, (tank.bottom - converter.y - 44) / 2)
  return {
    x: Math.round(tank.right + room * 0.41),
    y: Math.round(tank.bottom - radius - 2),
    radius,
    at,
    scale: radius / Math.max(1.3, 2.1 * shape.height),
  }
}

/** @param {Machines} plan */
function tags({ k, compressor, receiver, generator, flywheel, converter, bus, tank, riser }) {
  return {
    compressor: { x: compressor.x + 7, y: compressor.y + 23 * k, align: "left" },
    receiver: { x: Math.max(36, receiver.x), y: receiver.y - 50, align: "center" },
    chain: { x: (riser + 20) / 2, y: Math.min(tank.top - 6, 8), align: "center" },
    valve: { x: (riser + tank.right) / 2, y: bus - 46, align: "center" },
    flywheel: { x: flywheel.x, y: flywheel.y + 27 * k, align: "center" },
    generator: { x: generator.x, y: generator.y - 23 * k - 32, align: "center" },
    converter: { x: converter.x - 19 * k, y: converter.y - 20, align: "right" },
    import: { x: compressor.x + 7, y: bus - 47, align: "left" },
    export: { x: generator.x - 7, y: bus - 47, align: "right" },
  }
}
