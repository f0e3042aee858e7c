// Control: the controller's sequence with its present state, interlocks, the injection schedule, and every order.

import { byId, flag, write } from "./dom.js"
import { MISSING, celsius, duration, fixed, howToType, moment, typed } from "./format.js"
import { Shape } from "./geometry.js"
import { stream } from "./stream.js"
import { facts, number, values, word } from "./values.js"

// Places of the states in the drawing; what leads where comes from the server.
const STATES = { stopped: [80, 60], pressurising: [235, 60], starting: [390, 60], running: [545, 60], coasting: [545, 165], stopping: [235, 165], emergency_stop: [80, 250], tripped: [235, 250] }
const AUTOMATIC = [["pressurising", "starting", "receiver full"], ["starting", "running", "half speed"], ["stopping", "stopped", "at rest"]]
const ORDERS = [
  ["plant_start", "Start plant", "pressurise the receiver, then start"],
  ["plant_stop", "Stop plant", "run down in order"],
  ["plant_coast", "Coast", "run out without injection"],
  ["plant_resume", "Resume", "take up injection again"],
  ["inject", "Inject one pulse", "one pulse of air by hand"],
]
const SETTINGS = ["control_mode", "injection_mode", "generator_speed_setpoint", "torque_setpoint", "load_power", "dump_load_power"]

export const HTML = `
<div class="columns control">
  <section class="card panel"><header><h2>Sequence <small data-testid="sequence-state">–</small></h2></header>
    <div class="scroll flat" tabindex="0" aria-label="state machine"><svg class="states" viewBox="0 0 640 300" role="img" data-testid="sequence" aria-label="states of the controller"></svg></div>
    <div class="buttons loose" role="group" aria-label="orders to the plant">${ORDERS.map(([name, label, title]) => `<button data-order="${name}" data-testid="order-${name}" title="${title}">${label}</button>`).join("")}</div>
    <p class="hint" data-testid="order-hint"></p>
  </section>
  <section class="card panel"><header><h2>Interlocks <small>what trips the plant, and how near it is</small></h2></header>
    <table class="rows" data-testid="interlocks"><thead><tr><th scope="col">Condition</th><th scope="col">Now</th><th scope="col">Limit</th><th scope="col">Margin</th><th scope="col">State</th></tr></thead><tbody></tbody></table>
    <p class="hint" data-testid="trip">–</p>
    <ul class="warnings" data-testid="warnings"></ul>
    <details data-testid="advisories" hidden><summary></summary><ul class="warnings"></ul></details>
  </section>
  <section class="card panel"><header><h2>Injection schedule</h2></header>
    <dl class="factlist">${word("served", "Floater being served")}${number("valve.delivered", "Delivered to it")}${number("valve.target", "Target of a pulse")}
      <div class="fact"><dt>Next floater</dt><dd><b data-testid="next-floater">–</b></dd></div><div class="fact"><dt>Its window opens in</dt><dd><b data-testid="next-in">–</b></dd></div>
      <div class="fact"><dt>Window opens at</dt><dd><b data-testid="window-at">–</b></dd></div><div class="fact"><dt>Window length</dt><dd><b data-testid="window-length">–</b></dd></div>${word("pulses", "Pulses so far")}${word("missed", "Below target")}${word("injection_enabled", "Injection enabled")}</dl>
    <ol class="upcoming" data-testid="upcoming" aria-label="floaters that are served next"></ol>
  </section>
  <section class="card panel"><header><h2>Set-points, load and modes</h2></header>
    <div class="settings" data-testid="settings"></div>
    <div class="until"><label for="kpp-until">Run until</label><input id="kpp-until" data-testid="until" inputmode="decimal" autocomplete="off" aria-describedby="kpp-until-why"> <span class="unit">s</span><button data-testid="run-until">Go, then pause</button><em class="why" id="kpp-until-why" role="alert" data-testid="until-why"></em></div>
  </section>
  ${facts("Controller", [word("plc", "State"), word("brake_set", "Holding brake"), word("converter_on", "Converter"), word("synchronised", "Grid breaker"), word("compressor_mode", "Compressor"), ["plc.speed_setpoint_rpm", "Speed set-point"], ["drivetrain.shaft_speed_rpm", "Shaft speed"]])}
</div>`

function listOf(element, texts, sign) {
  if (element.dataset.key === texts.join("\n")) return
  element.dataset.key = texts.join("\n")
  element.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: `${sign}${celsius(text)}` })))
}

// Remarks on the parameters in force: what a designer should look at, and nothing that an operator has to see to.
export function advisories(element, module) {
  const texts = module?.advisories ?? []
  element.hidden = !texts.length
  write(element.querySelector("summary"), `${texts.length} remark${texts.length === 1 ? "" : "s"} on the design, no alarm`)
  listOf(element.querySelector("ul"), texts, "")
}

export function start(root, { commands, fields }) {
  const show = values(root)
  for (const button of root.querySelectorAll("[data-order]")) button.onclick = () => commands.plant(button.dataset.order)
  byId(root, "run-until").onclick = () => {
    const text = byId(root, "until").value
    const t = typed(text)
    const now = stream.frame?.t ?? 0
    write(byId(root, "until-why"), !Number.isFinite(t) ? howToType(text) || "give a time in s" : t <= now ? `give a time after now, ${moment(now)}` : "")
    if (t > now) commands.clock("run_until", { t })
  }
  const settings = fields(byId(root, "settings"), SETTINGS)
  let drawn = ""
  return {
    round: () => {
      show()
      const state = stream.freshness() === "missing" ? null : stream.note?.module?.plc
      write(byId(root, "sequence-state"), state ? state.replaceAll("_", " ") : "unknown")
      if (stream.hello && drawn !== `${state}`) byId(root, "sequence").innerHTML = diagram(stream.hello.orders, state)
      drawn = `${state}`
      const open = Object.entries(stream.hello?.orders ?? {}).filter(([, moves]) => state in moves)
      const replayed = Boolean(stream.note?.clock?.replay)
      for (const button of root.querySelectorAll("[data-order], [data-testid=run-until]")) button.disabled = replayed
      for (const button of root.querySelectorAll("[data-order]")) flag(button, "permitted", open.some(([name]) => name === button.dataset.order) ? "yes" : "no")
      write(byId(root, "order-hint"), replayed ? "This is a replay: what is recorded takes no orders." : state ? `Permitted now: ${open.map(([name]) => name.replaceAll("_", " ")).join(", ") || "nothing"}. Others are answered with the reason why not.` : "")
      showInterlocks(root)
      showSchedule(root)
      settings()
    },
  }
}

function diagram(orders, present) {
  const arrows = []
  for (const [order, moves] of Object.entries(orders)) {
    if (order === "emergency_stop" || order === "inject") continue
    for (const [from, to] of Object.entries(moves)) arrows.push(arrow(from, to, order.replace("plant_", ""), "ordered"))
  }
  for (const [from, to, why] of AUTOMATIC) arrows.push(arrow(from, to, why, "automatic"))
  const boxes = Object.entries(STATES).map(([name, [x, y]]) => {
    const bad = name === "tripped" || name === "emergency_stop"
    return `<g class="state ${name === present ? "present" : ""} ${bad ? "bad" : ""}" data-state="${name}"><rect x="${x - 58}" y="${y - 17}" width="116" height="34" rx="6"></rect><text x="${x}" y="${y + 4}">${name.replaceAll("_", " ")}</text></g>`
  })
  const note = `<text class="why" x="300" y="282" style="text-anchor:start">emergency stop and trips: from every other state</text>`
  return `<defs><marker id="kpp-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"></path></marker></defs>${arrows.join("")}${boxes.join("")}${note}`
}

function arrow(from, to, why, kind) {
  const [[x1, y1], [x2, y2]] = [STATES[from], STATES[to]]
  if (from === to) return ""
  const flat = y1 === y2
  const up = y1 === y2 ? 0 : y2 > y1 ? 1 : -1
  const shift = kind === "ordered" && flat ? -8 : from === "coasting" && to === "running" ? 14 : flat ? 6 : 0
  const a = flat ? [x1 + Math.sign(x2 - x1) * 58, y1 + shift] : [x1 + shift, y1 + up * 17]
  const b = flat ? [x2 - Math.sign(x2 - x1) * 58, y2 + shift] : [x2 + shift, y2 - up * 17]
  const label = flat && kind === "automatic" ? `<text class="why" x="${(a[0] + b[0]) / 2}" y="${a[1] + 24}">${why}</text>` : ""
  return `<path class="${kind}" d="M${a} L${b}" marker-end="url(#kpp-head)"><title>${why}: ${from} to ${to}</title></path>${label}`
}

function limitOf({ limit, parameter }, channel, parameters) {
  const si = parameter ? limit * parameters[parameter] : limit
  return si * channel.factor + channel.offset
}

function showInterlocks(root) {
  const body = byId(root, "interlocks").querySelector("tbody")
  const p = stream.geometry?.parameters
  const list = stream.hello?.interlocks ?? []
  if (body.rows.length !== list.length) {
    body.innerHTML = list.map(({ name }) => `<tr><th scope="row">${name}</th><td></td><td></td><td></td><td></td></tr>`).join("")
  }
  const tripped = stream.note?.module?.trip
  list.forEach((each, i) => {
    const row = body.rows[i]
    const channel = stream.channel(each.path)
    const value = stream.value(each.path)
    const limit = p ? limitOf(each, channel, p) : null
    const known = value !== null && limit !== null
    const passed = known && (each.below ? value < limit : Math.abs(value) > limit)
    const margin = known ? (each.below ? value - limit : limit - Math.abs(value)) : null
    const state = tripped === each.name ? "tripped" : passed ? "beyond" : known ? "clear" : MISSING
    write(row.cells[1], `${fixed(value, channel.decimals)} ${channel.unit}`)
    write(row.cells[2], `${each.below ? "≥" : "≤"} ${fixed(limit, channel.decimals)} ${channel.unit}${each.hold ? ` for ${each.hold} s` : ""}`)
    write(row.cells[3], fixed(margin, channel.decimals))
    write(row.cells[4], state)
    flag(row, "state", state)
  })
  const module = stream.freshness() === "missing" ? null : stream.note?.module
  write(byId(root, "trip"), !module ? "No data." : module.trip ? `Tripped: ${module.trip}. Remove the cause, wait for rest, then reset.` : module.plc === "emergency_stop" ? "Emergency stop in force. Wait for rest, then reset." : "No trip in force.")
  listOf(byId(root, "warnings"), module?.warnings ?? [], "▲ ")
  advisories(byId(root, "advisories"), module)
}

function showSchedule(root) {
  const p = stream.geometry?.parameters
  const { frame } = stream
  const speed = stream.value("chain.speed")
  const list = byId(root, "upcoming")
  if (!p || !frame || speed === null) {
    list.replaceChildren()
    for (const id of ["next-floater", "next-in", "window-at", "window-length"]) write(byId(root, id), MISSING)
    return
  }
  const shape = new Shape(p)
  const coming = Array.from(frame.position, (at, i) => ({ i, way: (shape.opens - at * shape.loop + shape.loop) % shape.loop })).toSorted((a, b) => a.way - b.way)
  const time = (way) => (speed > 1e-3 ? duration(way / speed) : "chain at rest")
  write(byId(root, "next-floater"), coming.length ? `no. ${coming[0].i}` : MISSING)
  write(byId(root, "next-in"), coming.length ? time(coming[0].way) : MISSING)
  write(byId(root, "window-at"), `${fixed(p.injection_start_tilt, 0)}° tilt, ${fixed(shape.opens, 2)} m`)
  write(byId(root, "window-length"), `${fixed(p.injection_window_length, 2)} m`)
  const lines = coming.slice(0, 5).map(({ i, way }) => `floater ${i}: ${fixed(way, 2)} m, ${time(way)}`)
  while (list.children.length < lines.length) list.append(document.createElement("li"))
  lines.forEach((line, k) => write(list.children[k], line))
}
