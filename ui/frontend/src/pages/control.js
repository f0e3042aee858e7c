// Control: the controller's sequence with its present state, the interlocks, the injection schedule, and all orders.

import { duration, fixed, howToType, MISSING, moment, typed } from "../format.js"
import { Shape } from "../plant/geometry.js"
import { injectionSchedule } from "../plant/injection_schedule.js"
import { limitOf, marginOf } from "../plant/interlocks.js"
import { sequenceDiagram } from "../plots/sequence_diagram.js"
import { stream } from "../stream/stream.js"
import { advisories, listOf } from "../widgets/advisories.js"
import { byId, flag, query, queryAll, write } from "../widgets/dom.js"
import { tableHead } from "../widgets/table.js"
import { fact, facts, number, values, word } from "../widgets/values.js"

const ORDERS = [
  ["plant_start", "Start plant", "pressurise the receiver, then start"],
  ["plant_stop", "Stop plant", "run down in an orderly way"],
  ["plant_coast", "Coast", "run on without injection"],
  ["plant_resume", "Resume", "resume injection"],
  ["inject", "Inject one pulse", "one pulse of air by hand"],
]
const SETTINGS = [
  "control_mode",
  "injection_mode",
  "generator_speed_setpoint",
  "torque_setpoint",
  "load_power",
  "dump_load_power",
]

/** @type {(string | [string, string])[]} */
const CONTROLLER = [
  word("plc", "State"),
  word("brake_set", "Holding brake"),
  word("converter_on", "Converter"),
  word("synchronised", "Grid breaker"),
  word("compressor_mode", "Compressor"),
  ["plc.speed_setpoint_rpm", "Speed set-point"],
  ["drivetrain.shaft_speed_rpm", "Shaft speed"],
]
const SCHEDULE = [
  word("served", "Floater being served"),
  number("valve.delivered", "Delivered to it"),
  number("valve.target", "Target of a pulse"),
  fact("next-floater", "Next floater"),
  fact("next-in", "Its window opens in"),
  fact("window-at", "Window opens at"),
  fact("window-length", "Window length"),
  word("pulses", "Pulses so far"),
  word("missed", "Below target"),
  word("injection_enabled", "Injection enabled"),
]

/** @param {string[]} order */
const orderButton = ([name, label, title]) =>
  `<button data-order="${name}" data-testid="order-${name}" title="${title}">${label}</button>`

export const HTML = `
<div class="columns control">
  <section class="card panel"><header><h2>Sequence <small data-testid="sequence-state">–</small></h2></header>
    <div class="scroll flat" tabindex="0" aria-label="state machine"><svg class="states" viewBox="0 0 640 300" role="img"
      data-testid="sequence" aria-label="states of the controller"></svg></div>
    <div class="buttons loose" role="group" aria-label="orders to the plant">${ORDERS.map(orderButton).join("")}</div>
    <p class="hint" data-testid="order-hint"></p>
  </section>
  <section class="card panel"><header><h2>Interlocks <small>what trips the plant, and how close it is</small></h2></header>
    <table class="rows" data-testid="interlocks"
      >${tableHead(["Condition", "Now", "Limit", "Margin", "State"])}<tbody></tbody></table>
    <p class="hint" data-testid="trip">–</p>
    <ul class="warnings" data-testid="warnings"></ul>
    <details data-testid="advisories" hidden><summary></summary><ul class="warnings"></ul></details>
  </section>
  <section class="card panel"><header><h2>Injection schedule</h2></header>
    <dl class="factlist">${SCHEDULE.join("")}</dl>
    <ol class="upcoming" data-testid="upcoming" aria-label="floaters that are served next"></ol>
  </section>
  <section class="card panel"><header><h2>Set-points, load and modes</h2></header>
    <div class="settings" data-testid="settings"></div>
    <div class="until"><label for="kpp-until">Run until</label><input id="kpp-until" data-testid="until" inputmode="decimal"
      autocomplete="off" aria-describedby="kpp-until-why"> <span class="unit">s</span
      ><button data-testid="run-until">Go, then pause</button
      ><em class="why" id="kpp-until-why" role="alert" data-testid="until-why"></em></div>
  </section>
  ${facts("Controller", CONTROLLER)}
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands, fields }) {
  const show = values(root)
  for (const button of queryAll(root, "[data-order]")) button.onclick = () => commands.plant(button.dataset.order ?? "")
  byId(root, "run-until").onclick = () => {
    const text = byId(root, "until", HTMLInputElement).value
    const t = typed(text)
    const now = stream.frame?.t ?? 0
    write(
      byId(root, "until-why"),
      !Number.isFinite(t)
        ? howToType(text) || "give a time in seconds"
        : t <= now
          ? `give a time later than now, ${moment(now)}`
          : "",
    )
    if (t > now) commands.clock("run_until", { t })
  }
  const settings = fields(byId(root, "settings"), SETTINGS)
  let drawn = ""
  return {
    round: () => {
      show()
      const state = stream.plc()
      write(byId(root, "sequence-state"), state ? state.replaceAll("_", " ") : "unknown")
      // Parsed again only for another state: this runs several times a second.
      if (stream.hello && drawn !== `${state}`)
        byId(root, "sequence", SVGElement).innerHTML = sequenceDiagram(stream.hello.orders, state)
      drawn = `${state}`
      const open = Object.entries(stream.hello?.orders ?? {}).filter(([, moves]) => state && state in moves)
      const permitted = open.map(([name]) => name.replaceAll("_", " ")).join(", ") || "nothing"
      const replayed = Boolean(stream.note?.clock?.replay)
      for (const button of queryAll(root, "[data-order], [data-testid=run-until]", HTMLButtonElement))
        button.disabled = replayed
      // An order that is not permitted can be pressed all the same: the state shown may be late, and the plant says why not.
      for (const button of queryAll(root, "[data-order]"))
        flag(button, "permitted", open.some(([name]) => name === button.dataset.order) ? "yes" : "no")
      write(
        byId(root, "order-hint"),
        replayed
          ? "This is a replay: what is recorded takes no orders."
          : state
            ? `Permitted now: ${permitted}. Other orders are refused with the reason.`
            : "",
      )
      showInterlocks(root)
      showSchedule(root)
      settings()
    },
  }
}

/** @param {HTMLElement} root */
function showInterlocks(root) {
  const body = query(byId(root, "interlocks"), "tbody", HTMLTableSectionElement)
  const p = stream.geometry?.parameters
  const list = stream.hello?.interlocks ?? []
  if (body.rows.length !== list.length) {
    // HTML is safe here: the names are part of the program, and nobody can choose them.
    body.innerHTML = list
      .map(({ name }) => `<tr><th scope="row">${name}</th><td></td><td></td><td></td><td></td></tr>`)
      .join("")
  }
  const tripped = stream.note?.module?.trip
  list.forEach((each, i) => {
    const row = body.rows[i]
    const channel = stream.channel(each.path)
    if (!channel) throw new Error(`${each.name}: there is no channel ${each.path}`)
    const value = stream.value(each.path)
    const limit = p ? limitOf(each, channel, p) : null
    const margin = marginOf(each.below, value, limit)
    const state = tripped === each.name ? "tripped" : margin === null ? MISSING : margin < 0 ? "beyond" : "clear"
    write(row.cells[1], `${fixed(value, channel.decimals)} ${channel.unit}`)
    write(
      row.cells[2],
      `${each.below ? "≥" : "≤"} ${fixed(limit, channel.decimals)} ${channel.unit}${each.hold ? ` for ${each.hold} s` : ""}`,
    )
    write(row.cells[3], fixed(margin, channel.decimals))
    write(row.cells[4], state)
    flag(row, "state", state)
  })
  const module = stream.freshness() === "missing" ? null : stream.note?.module
  write(
    byId(root, "trip"),
    !module
      ? "No data."
      : module.trip
        ? `Tripped: ${module.trip}. Remove the cause, wait until the chain is at rest, then reset.`
        : module.plc === "emergency_stop"
          ? "Emergency stop in force. Wait until the chain is at rest, then reset."
          : "No trip in force.",
  )
  listOf(byId(root, "warnings"), module?.warnings ?? [], "▲ ")
  advisories(byId(root, "advisories"), module)
}

/** @param {HTMLElement} root */
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
  const coming = injectionSchedule(shape, frame.position)
  /** @param {number} way */
  const time = (way) => (speed > 1e-3 ? duration(way / speed) : "chain at rest")
  write(byId(root, "next-floater"), coming.length ? `no. ${coming[0].floater}` : MISSING)
  write(byId(root, "next-in"), coming.length ? time(coming[0].way) : MISSING)
  write(byId(root, "window-at"), `${fixed(p.injection_start_tilt, 0)}° tilt, ${fixed(shape.opens, 2)} m`)
  write(byId(root, "window-length"), `${fixed(p.injection_window_length, 2)} m`)
  const lines = coming.slice(0, 5).map(({ floater, way }) => `floater ${floater}: ${fixed(way, 2)} m, ${time(way)}`)
  while (list.children.length < lines.length) list.append(document.createElement("li"))
  lines.forEach((line, k) => write(list.children[k], line))
}
