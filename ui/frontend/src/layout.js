// Where everything of the picture stands, in pixels: the shaft true to scale in the middle, air supply left, power right.

const ABOVE = 1.0
const BELOW = 0.9

export function layout(width, height, shape) {
  const [top, bottom] = [14, 104]
  const across = 2 * (shape.radius + shape.width / 2 + 0.5)
  const scale = Math.min((height - top - bottom) / (shape.depth + ABOVE + BELOW), (0.34 * width) / across)
  const middle = Math.round(width / 2)
  const floor = height - bottom
  const x = (metres) => middle + metres * scale
  const y = (metres) => floor - BELOW * scale - metres * scale
  const tank = {
    left: Math.round(middle - (across / 2) * scale),
    right: Math.round(middle + (across / 2) * scale),
    top: Math.round(y(shape.depth + ABOVE)),
    bottom: Math.round(floor),
    surface: Math.round(y(shape.depth)),
  }
  const side = tank.left
  const k = Math.min(1.25, Math.max(0.62, side / 175))
  const plan = { width, height, scale, middle, x, y, tank, k, ...supply(side, height, tank, k), ...power(width, height, tank, shape, y, k) }
  plan.inlet = inlet(shape, x, y)
  plan.lens = lens(plan, shape)
  plan.tags = tags(plan)
  return plan
}

function supply(side, height, tank, k) {
  const x = Math.round(side * 0.42)
  const bus = height - 30
  const compressor = { x, y: height - 104 - 22 * k, radius: 21 * k }
  const receiver = { x, width: 44 * k, height: 104 * k, y: compressor.y - 62 * k - 104 * k }
  const under = tank.bottom + 18
  return { bus, compressor, receiver, under, riser: Math.round(tank.left - Math.max(12, side * 0.13)) }
}

function power(width, height, tank, shape, y, k) {
  const axis = Math.round(y(shape.depth - shape.radius))
  const room = width - tank.right
  return {
    axis,
    gearbox: { x: tank.right + room * 0.2, y: axis, width: 24 * k, height: 38 * k },
    flywheel: { x: tank.right + room * 0.46, y: axis, radius: 24 * k },
    generator: { x: tank.right + room * 0.8, y: axis, radius: 21 * k },
    converter: { x: tank.right + room * 0.8, y: axis + (height - 30 - axis) * 0.36, size: 30 * k },
  }
}

// Where air enters: the middle of the injection window.
function inlet(shape, x, y) {
  const [xm, zm] = shape.at((shape.opens + shape.opening / 2) % shape.loop)
  return { x: Math.round(x(xm)), y: Math.round(y(zm)), at: [xm, zm] }
}

function lens(plan, shape) {
  const room = plan.width - plan.tank.right
  const radius = Math.min(78, room * 0.36)
  return {
    x: Math.round(plan.tank.right + room * 0.4),
    y: Math.round(plan.tank.bottom - radius - 26),
    radius,
    at: plan.inlet.at,
    scale: radius / Math.max(1.3, 2.1 * shape.height),
  }
}

function tags(plan) {
  const { k, compressor, receiver, generator, flywheel, converter, bus, tank, width } = plan
  return {
    compressor: { x: compressor.x + 27 * k, y: compressor.y - 18, align: "left" },
    receiver: { x: receiver.x, y: receiver.y - 52, align: "center" },
    chain: { x: tank.left / 2, y: tank.top + 4, align: "center" },
    valve: { x: tank.left + 4, y: bus - 46, align: "center" },
    flywheel: { x: flywheel.x, y: flywheel.y + 30 * k, align: "center" },
    generator: { x: generator.x, y: generator.y - 26 * k - 34, align: "center" },
    converter: { x: converter.x - 22 * k, y: converter.y - 18, align: "right" },
    import: { x: compressor.x + 8, y: bus - 20, align: "left" },
    export: { x: Math.min(width - 8, generator.x + 44), y: bus - 20, align: "right" },
  }
}
