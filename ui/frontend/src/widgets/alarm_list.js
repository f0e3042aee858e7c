// Alarms after ISA-18.2: active or returned, acknowledged or not, with the first out marked.

import { celsius, moment, power10 } from "../format.js"
import { readAs } from "../plant/units.js"
import { stream } from "../stream/stream.js"
import { advisories } from "./advisories.js"
import { bell } from "./alarm_bell.js"
import { byId, flag, write } from "./dom.js"

const STATES = {
  unacknowledged: "active, not acknowledged",
  acknowledged: "active, acknowledged",
  returned_unacknowledged: "cleared, not acknowledged",
}
const SIGN = { high: "■", low: "▲" }

/**
 * `id`: beginning of the test ids; the list stands on more than one page.
 * @param {string} id
 */
export const ALARM_LIST = (id) => `
<section class="card panel alarmcard" aria-label="alarms"><header><h2>Alarms <small data-testid="${id}-count">–</small></h2>
  <label class="find"><input type="checkbox" data-testid="${id}-sound"> sound</label>
  <button data-testid="${id}-ack-all">Acknowledge all</button></header>
  <ol class="alarmlist" data-testid="${id}-list"></ol><p class="empty" data-testid="${id}-empty">No alarm.</p>
  <details class="advisories" data-testid="${id}-advisories" hidden><summary></summary><ul class="warnings"></ul></details></section>`

export const ALARM_CARD = ALARM_LIST("alarms")

/**
 * The returned function is to be called a few times a second.
 * @param {HTMLElement} root
 * @param {string} id
 * @param {ui.Commands} commands
 */
export function alarmList(root, id, commands) {
  byId(root, `${id}-ack-all`).onclick = () => {
    for (const alarm of stream.alarms.alarms)
      if (alarm.state !== "acknowledged") commands.clock("acknowledge", { alarm: alarm.id })
  }
  const sound = byId(root, `${id}-sound`, HTMLInputElement)
  sound.onchange = () => bell.enable(sound.checked)
  let key = ""
  return () => {
    sound.checked = bell.on
    const alarms = stream.alarms.alarms.toSorted((a, b) => rank(a) - rank(b) || a.raised_seq - b.raised_seq)
    const known = stream.connected && stream.freshness() !== "missing"
    const active = alarms.filter(({ state }) => state !== "returned_unacknowledged").length
    const waiting = alarms.filter(({ state }) => state !== "acknowledged").length
    write(byId(root, `${id}-count`), `${active} active, ${waiting} not acknowledged${known ? "" : ", as last heard"}`)
    byId(root, `${id}-ack-all`, HTMLButtonElement).disabled = !waiting || !stream.clockLive()
    byId(root, `${id}-empty`).hidden = alarms.length > 0
    advisories(byId(root, `${id}-advisories`), known ? stream.note?.module : null)
    // Rebuilt only if something has changed: a button that is replaced under the pointer cannot be pressed.
    const next = JSON.stringify(alarms)
    if (next === key) return
    key = next
    byId(root, `${id}-list`).replaceChildren(...alarms.map((alarm) => item(alarm, commands)))
  }
}

/**
 * Unacknowledged before acknowledged, active before returned, high priority before low.
 * @param {bus.Alarm} alarm
 */
const rank = ({ state, priority }) =>
  (state === "acknowledged" ? 4 : 0) + (priority === "high" ? 0 : 1) + (state === "returned_unacknowledged" ? 2 : 0)

/**
 * @param {bus.Alarm} alarm
 * @param {ui.Commands} commands
 */
function item(alarm, commands) {
  const element = document.createElement("li")
  element.className = "alarm"
  flag(element, "state", alarm.state)
  flag(element, "priority", alarm.priority)
  element.dataset.testid = `alarm-${alarm.id}`
  /**
   * @param {string} name
   * @param {string} text
   */
  const cell = (name, text) => {
    const part = document.createElement("span")
    part.className = name
    part.textContent = text
    element.append(part)
  }
  cell("sign", SIGN[alarm.priority])
  const seen = alarm.acknowledged_by
    ? `, acknowledged by ${alarm.acknowledged_by} at ${moment(alarm.acknowledged_t)}`
    : ""
  const gone = alarm.cleared_t === null ? "" : ` at ${moment(alarm.cleared_t)}`
  cell("what", celsius(alarm.text))
  const limit = limitOf(alarm)
  const raised = alarm.raised_t < 0 ? `before this run was forked (${moment(alarm.raised_t)})` : moment(alarm.raised_t)
  cell(
    "how",
    `${raised} · ${limit ? `limit ${limit} · ` : ""}${alarm.first_out ? "FIRST OUT · " : ""}${STATES[alarm.state]}${gone}${seen}`,
  )
  if (alarm.state !== "acknowledged") {
    const button = document.createElement("button")
    button.textContent = "Acknowledge"
    button.setAttribute("aria-label", `Acknowledge ${celsius(alarm.text)}`)
    button.onclick = () => commands.clock("acknowledge", { alarm: alarm.id })
    element.append(button)
  }
  return element
}

/**
 * The limit of an alarm in the unit that people read; empty if it has none.
 * @param {bus.Alarm} alarm
 */
function limitOf({ limit = null, unit = "" }) {
  if (limit === null) return ""
  if (unit === "") return Math.abs(limit) < 1e-3 ? power10(limit) : `${told(100 * limit)} %`
  const [shown, factor, offset] = readAs(unit)
  return `${told(limit * factor + offset)} ${shown}`
}

/** @param {number} value */
const told = (value) => String(Number(value.toPrecision(4))).replace("-", "−")
