// The states of the controller, and what leads from one to another, as SVG. Pure.

/**
 * Places of the states in the drawing. Which command leads where comes from the server.
 * @type {Record<string, [number, number]>}
 */
const STATES = {
  stopped: [80, 60],
  pressurising: [235, 60],
  starting: [390, 60],
  running: [545, 60],
  coasting: [545, 165],
  stopping: [235, 165],
  emergency_stop: [80, 250],
  tripped: [235, 250],
}
const AUTOMATIC = [
  ["pressurising", "starting", "receiver full"],
  ["starting", "running", "half speed"],
  ["stopping", "stopped", "at rest"],
]
const HALF_WIDTH = 58
const HALF_HEIGHT = 17
// These keep two arrows between the same states apart, and an arrow from a box.
const COMMANDED_SHIFT = -8
const AUTOMATIC_SHIFT = 6
const RESUME_SHIFT = 14

const ARROW_HEAD =
  '<defs><marker id="kpp-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
  '<path d="M0 0 8 4 0 8z"></path></marker></defs>'
const NOTE = `<text class="why" x="300" y="282" style="text-anchor:start">emergency stop and trips: from every other state</text>`

/**
 * `commands`: for each command the state that it leads to from each state; `present`: the state to mark, null if it is unknown.
 * @param {ui.Moves} commands
 * @param {string | null} present
 */
export function sequenceDiagram(commands, present) {
  const arrows = []
  for (const [command, moves] of Object.entries(commands)) {
    if (command === "emergency_stop" || command === "inject") continue
    const why = command.replace("plant_", "")
    for (const [from, to] of Object.entries(moves)) arrows.push(arrow(from, to, why, "ordered"))
  }
  for (const [from, to, why] of AUTOMATIC) arrows.push(arrow(from, to, why, "automatic"))
  const boxes = Object.entries(STATES).map(([name, place]) => box(name, place, name === present))
  return `${ARROW_HEAD}${arrows.join("")}${boxes.join("")}${NOTE}`
}

/**
 * @param {string} name
 * @param {number[]} place
 * @param {boolean} present
 */
function box(name, [x, y], present) {
  const bad = name === "tripped" || name === "emergency_stop"
  const frame = `<rect x="${x - HALF_WIDTH}" y="${y - HALF_HEIGHT}" width="${2 * HALF_WIDTH}" height="${2 * HALF_HEIGHT}" rx="6"></rect>`
  const text = `<text x="${x}" y="${y + 4}">${name.replaceAll("_", " ")}</text>`
  return `<g class="state ${present ? "present" : ""} ${bad ? "bad" : ""}" data-state="${name}">${frame}${text}</g>`
}

/**
 * @param {string} from
 * @param {string} to
 * @param {string} why
 * @param {"ordered" | "automatic"} kind
 */
function arrow(from, to, why, kind) {
  if (from === to) return ""
  const [x1, y1] = STATES[from]
  const [x2, y2] = STATES[to]
  const across = y1 === y2
  const shift = shiftOf(from, to, kind, across)
  const sign = across ? Math.sign(x2 - x1) : Math.sign(y2 - y1)
  const start = across ? [x1 + sign * HALF_WIDTH, y1 + shift] : [x1 + shift, y1 + sign * HALF_HEIGHT]
  const end = across ? [x2 - sign * HALF_WIDTH, y2 + shift] : [x2 + shift, y2 - sign * HALF_HEIGHT]
  const named = across && kind === "automatic"
  const label = named ? `<text class="why" x="${(start[0] + end[0]) / 2}" y="${start[1] + 24}">${why}</text>` : ""
  const title = `<title>${why}: ${from} to ${to}</title>`
  return `<path class="${kind}" d="M${start} L${end}" marker-end="url(#kpp-head)">${title}</path>${label}`
}

/**
 * @param {string} from
 * @param {string} to
 * @param {"ordered" | "automatic"} kind
 * @param {boolean} across
 */
function shiftOf(from, to, kind, across) {
  if (across) return kind === "ordered" ? COMMANDED_SHIFT : AUTOMATIC_SHIFT
  return from === "coasting" && to === "running" ? RESUME_SHIFT : 0
}
