// The moving picture of the plant. What never moves is drawn once, into a second canvas. Between two frames of data the chain
// travels on at its own speed, for a quarter of a second at most: so it runs smoothly, and never shows for long what is not so.

import { duration, fixed, MISSING } from "../format.js"
import { above, corners, levelBelowTop, Shape } from "../plant/geometry.js"
import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { byId, flag, query, write } from "../widgets/dom.js"
import { colours } from "../widgets/theme.js"
import { penOf, polygon } from "./canvas.js"
import { drawEquipment, drawStatic, drawWheel } from "./equipment.js"
import { layout } from "./mimic_layout.js"

const AHEAD = 0.25 // seconds that the chain travels on without data
const SNAP = 0.6 // metres; a larger difference from the data is jumped over, and not made up for gradually
const IDLE = 400 // milliseconds between two drawings while nothing moves
const CALM = 1000 // milliseconds between two drawings for users who prefer reduced motion

/** @typedef {import("./mimic_layout.js").TagId} TagId */

/** @type {[TagId, string][]} */
const LABELS = [
  ["compressor", "Compressor"],
  ["receiver", "Receiver"],
  ["valve", "Injection valve"],
  ["chain", "Chain"],
  ["flywheel", "Flywheel"],
  ["generator", "Generator"],
  ["converter", "Converter"],
  ["import", "Import meter"],
  ["export", "Export meter"],
]

/** @param {[TagId, string]} label */
const tag = ([id, name]) =>
  `<div class="tag" data-tag="${id}"><span>${name}</span><b data-testid="mimic-${id}">–</b><small></small></div>`

export const MIMIC = `
<section class="card mimic" aria-label="picture of the plant">
  <header>
    <h2>Plant <small data-testid="plc-state">–</small></h2>
    <span class="key"><i class="air"></i>air <i class="flooded"></i>water <i class="served"></i>being filled</span>
  </header>
  <div class="picture">
    <canvas data-testid="mimic" role="img" aria-label="the chain of floaters in the water shaft"></canvas>
    ${LABELS.map(tag).join("")}
    <p class="overlay" data-testid="mimic-overlay" hidden></p>
  </div>
</section>`

/** @param {HTMLElement} root */
export function mimic(root) {
  return new Mimic(root)
}

/**
 * What the picture is drawn from.
 * @typedef {object} Scene
 * @property {import("./mimic_layout.js").Plan} plan
 * @property {Shape} shape
 * @property {Record<string, string>} colour
 * @property {ui.Parameters} parameters
 */

class Mimic {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root
    this.box = query(root, ".picture")
    this.canvas = byId(root, "mimic", HTMLCanvasElement)
    this.pen = penOf(this.canvas)
    this.still = document.createElement("canvas")
    this.calm = matchMedia("(prefers-reduced-motion: reduce)")
    /** @type {Scene | null} Null while the dimensions are not known, or there is no room. */
    this.scene = null
    /** @type {ui.Parameters | null} */
    this.parameters = null
    this.ratio = 1
    this.run = 0
    this.offset = 0 // metres by which the drawn chain is ahead of the newest frame
    this.phase = 0
    this.turned = 0
    this.flow = 0
    this.before = performance.now()
    this.drawn = 0
    new ResizeObserver(() => this.restyle()).observe(this.box)
  }

  // To be called when the size of the picture, its colours or the dimensions of the plant have changed.
  restyle() {
    this.parameters = stream.geometry?.parameters ?? null
    const { clientWidth: width, clientHeight: height } = this.box
    if (!width || !height) return
    const ratio = Math.min(devicePixelRatio, 2) // finer than that is not seen, and costs as much time as it has pixels
    for (const canvas of [this.canvas, this.still]) {
      canvas.width = Math.round(width * ratio)
      canvas.height = Math.round(height * ratio)
    }
    this.ratio = ratio
    this.scene = null
    if (this.parameters) {
      const shape = new Shape(this.parameters)
      const colour = paint(this.root)
      const plan = layout(width, height, shape)
      const pen = penOf(this.still)
      pen.setTransform(ratio, 0, 0, ratio, 0, 0)
      drawStatic(pen, plan, shape, colour)
      this.scene = { plan, shape, colour, parameters: this.parameters }
    }
    for (const [id] of LABELS) this.place(id)
    this.drawn = 0
  }

  /** @param {TagId} id */
  place(id) {
    const tag = query(this.root, `[data-tag="${id}"]`)
    tag.hidden = !this.scene
    if (!this.scene) return
    const { x, y, align } = this.scene.plan.tags[id]
    tag.style.left = `${x}px`
    tag.style.top = `${y}px`
    tag.dataset.align = align
  }

  /**
   * @param {number} now
   * @param {boolean} fresh
   */
  paint(now, fresh) {
    if (stream.geometry?.parameters !== (this.parameters ?? undefined)) this.restyle()
    const elapsed = Math.min(0.1, (now - this.before) / 1000) // after a pause, as of a hidden tab, nothing may leap
    this.before = now
    const { frame } = stream
    if (!this.scene || !frame?.position.length) {
      if (fresh || now - this.drawn > IDLE) this.clear(now)
      return
    }
    if (view.frozen) return // the picture holds still together with the plots
    const speed = this.speed()
    const moving = this.travel(this.scene.shape, frame, speed, elapsed)
    const wait = this.calm.matches ? CALM : moving || this.flowing() ? 0 : IDLE
    if (now - this.drawn < wait) return
    this.flow = this.calm.matches ? 0 : this.flow + elapsed
    this.draw(this.scene, frame)
    this.drawn = now
    globalThis.__kpp.mimic.drawn++
  }

  /** @param {number} now */
  clear(now) {
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height)
    this.drawn = now
  }

  // Chain speed in metres for each second of wall time.
  speed() {
    const clock = stream.note?.clock
    if (!clock || clock.mode !== "running" || stream.freshness() !== "live" || clock.held.length) return 0
    return (stream.value("chain.speed") ?? 0) * clock.achieved_speed
  }

  flowing() {
    const clock = stream.note?.clock
    return clock?.mode === "running" && stream.freshness() === "live"
  }

  /**
   * Moves the chain on by dead reckoning, and towards the place that the newest frame gives it. True if it has moved.
   * @param {Shape} shape
   * @param {ui.Frame} frame
   * @param {number} speed
   * @param {number} elapsed
   */
  travel({ loop, radius }, frame, speed, elapsed) {
    const told = frame.position[0] * loop
    const ahead = this.calm.matches ? 0 : Math.min(AHEAD, (performance.now() - stream.arrived) / 1000)
    const step = this.calm.matches ? 0 : speed * elapsed
    this.phase += step
    const off = wrap(told + speed * ahead - this.phase, loop)
    const jumps = Math.abs(off) > SNAP || this.calm.matches || frame.run !== this.run
    this.run = frame.run
    // Within about an eighth of a second: at once it would stutter, as frames do not arrive evenly.
    const correction = jumps ? off : off * Math.min(1, elapsed * 8)
    this.phase += correction
    const gone = step + correction
    this.turned += gone / radius
    if (!jumps) globalThis.__kpp.mimic.travelled += Math.abs(gone)
    this.offset = this.phase - told
    return Math.abs(gone) > 1e-5
  }

  /**
   * @param {Scene} scene
   * @param {ui.Frame} frame
   */
  draw(scene, frame) {
    const { pen } = this
    const { plan, colour, parameters } = scene
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height)
    pen.drawImage(this.still, 0, 0)
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0)
    /** @param {string} path */
    const told = (path) => stream.value(path) ?? 0
    drawEquipment(pen, plan, colour, {
      flow: this.flow,
      turned: this.turned,
      gear: parameters.gear_ratio,
      air: told("valve.mass_flow"),
      supply: told("compressor.mass_flow"),
      import: told("grid.import_power"),
      export: told("grid.export_power"),
      pressure: (stream.value("receiver.pressure") ?? 0) * 1e5,
      parameters,
    })
    pen.save()
    pen.beginPath()
    pen.rect(plan.tank.left, 0, plan.tank.right - plan.tank.left, plan.height)
    pen.clip()
    this.drawChain(scene, frame, plan.scale, plan.x, plan.y)
    pen.restore()
    this.drawLens(scene, frame)
  }

  /**
   * @param {Scene} scene
   * @param {ui.Frame} frame
   */
  drawLens(scene, frame) {
    const { pen } = this
    const { lens } = scene.plan
    pen.save()
    pen.beginPath()
    pen.arc(lens.x, lens.y, lens.radius, 0, 2 * Math.PI)
    pen.clip()
    /** @param {number} metres */
    const x = (metres) => lens.x + (metres - lens.at[0]) * lens.scale
    /** @param {number} metres */
    const y = (metres) => lens.y - (metres - lens.at[1]) * lens.scale
    this.drawChain(scene, frame, lens.scale, x, y, lens)
    pen.restore()
  }

  /**
   * @param {Scene} scene
   * @param {ui.Frame} frame
   * @param {number} scale
   * @param {(metres: number) => number} x
   * @param {(metres: number) => number} y
   * @param {Scene["plan"]["lens"]} [lens]
   */
  drawChain(scene, frame, scale, x, y, lens) {
    const { pen } = this
    const { shape, colour } = scene
    const bottom = [x(0), y(shape.radius)]
    drawWheel(pen, bottom[0], bottom[1], shape.radius * scale - 2, this.turned, colour)
    if (!lens) drawWheel(pen, x(0), y(shape.depth - shape.radius), shape.radius * scale - 2, this.turned, colour)
    pen.strokeStyle = colour.chain
    pen.lineWidth = lens ? 2 : 1
    pen.beginPath()
    pen.arc(x(0), y(shape.depth - shape.radius), shape.radius * scale, Math.PI, 0)
    pen.arc(x(0), y(shape.radius), shape.radius * scale, 0, Math.PI)
    pen.closePath()
    pen.stroke()
    const served = stream.note?.module?.served ?? null
    for (let i = 0; i < frame.position.length; i++) {
      const place = frame.position[i] * shape.loop + this.offset
      const [xm, ym, angle] = shape.at(((place % shape.loop) + shape.loop) % shape.loop)
      if (lens && Math.hypot(xm - lens.at[0], ym - lens.at[1]) * scale > lens.radius + scale) continue // not seen in it
      this.drawFloater(scene, x(xm), y(ym), angle, frame.fill[i], scale, i === served)
    }
  }

  /**
   * Draws a bucket, whose mouth points backwards; the surface of the water in it is level, with the air above.
   * @param {Scene} scene
   * @param {number} x
   * @param {number} y
   * @param {number} angle
   * @param {number} fill
   * @param {number} scale
   * @param {boolean} served
   */
  drawFloater({ shape, colour }, x, y, angle, fill, scale, served) {
    const { pen } = this
    const [width, height] = [shape.width * scale, shape.height * scale * 0.94]
    const box = corners(width, height, angle)
    polygon(pen, box, x, y)
    pen.fillStyle = colour.flooded
    pen.fill()
    if (fill > 0) {
      const top = Math.max(box[0][1], box[1][1], box[2][1], box[3][1])
      const part = fill >= 1 ? box : above(box, top - levelBelowTop(width, height, angle, fill))
      if (part.length > 2) {
        polygon(pen, part, x, y)
        pen.fillStyle = colour.air
        pen.fill()
      }
    }
    pen.lineWidth = served ? 2 : 1
    pen.strokeStyle = served ? colour.served : colour.shell
    pen.beginPath()
    // The roof is in front; the trailing side is open and drawn only while the floater is served.
    for (const [i, corner] of [3, 0, 1, 2].entries()) {
      const [cx, cy] = box[corner]
      if (i === 0) pen.moveTo(x + cx, y - cy)
      else pen.lineTo(x + cx, y - cy)
    }
    if (served) pen.closePath()
    pen.stroke()
  }

  // Writes the texts beside the picture; to be called a few times a second.
  label() {
    const state = stream.connected ? stream.freshness() : "missing"
    flag(this.box, "state", state)
    const { note } = stream
    const module = state === "missing" ? null : note?.module
    write(byId(this.root, "plc-state"), module ? module.plc.replaceAll("_", " ") : MISSING)
    this.tag("compressor", "compressor.power", module?.compressor_mode ?? "")
    this.tag("receiver", "receiver.pressure", text("receiver.temperature"))
    this.tag("valve", "valve.mass_flow", module ? (module.served === null ? "shut" : `floater ${module.served}`) : "")
    this.tag("chain", "chain.speed", text("chain.loop_length", "loop "))
    this.tag(
      "flywheel",
      "drivetrain.shaft_speed_rpm",
      module ? (module.clutch_locked ? "clutch locked" : "clutch free") : "",
    )
    this.tag("generator", "generator.power", "")
    this.tag("converter", "converter.loss", module ? (module.converter_on ? "loss" : "off") : "")
    this.tag("import", "grid.import_power", text("grid.import_energy"))
    this.tag("export", "grid.export_power", text("grid.export_energy"))
    this.overlay(state)
  }

  /**
   * @param {string} id
   * @param {string} path
   * @param {string} detail
   */
  tag(id, path, detail) {
    const tag = query(this.root, `[data-tag="${id}"]`)
    write(byId(tag, `mimic-${id}`), text(path))
    write(query(tag, "small"), detail)
  }

  /** @param {ui.Freshness} state */
  overlay(state) {
    const overlay = byId(this.root, "mimic-overlay")
    const age = stream.age()
    let reason = ""
    if (!stream.connected) reason = "the dashboard's server is lost"
    else if (state !== "live")
      reason = age === null ? "nothing heard from the plant yet" : `no data for ${duration(age)}`
    else if (!stream.geometry) reason = "waiting for the plant's dimensions"
    overlay.hidden = !reason
    write(overlay, reason)
  }
}

/**
 * @param {string} path
 * @param {string} [before]
 */
function text(path, before = "") {
  const channel = stream.channel(path)
  return channel ? `${before}${fixed(stream.value(path), channel.decimals)} ${channel.unit}` : MISSING
}

/**
 * @param {number} value
 * @param {number} loop
 */
function wrap(value, loop) {
  return value - loop * Math.round(value / loop)
}

/** @param {HTMLElement} root */
function paint(root) {
  const colour = colours(root)
  const names = [
    "chain",
    "flooded",
    "air",
    "shell",
    "served",
    "water-top",
    "water-bottom",
    "steel",
    "steel-fill",
    "dim",
    "text",
    "import",
    "export",
    "flow",
    "grid",
    "panel",
  ]
  return Object.fromEntries(names.map((name) => [name, colour(name)]))
}
