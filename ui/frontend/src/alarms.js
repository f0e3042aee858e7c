// Alarms in the manner of ISA-18.2: active or returned, acknowledged or not, with the first one out marked.

import { advisories } from "./control.js"
import { byId, flag, write } from "./dom.js"
import { celsius, moment, power10 } from "./format.js"
import { readAs } from "./recorded.js"
import { stream } from "./stream.js"

const STATES = { unacknowledged: "active, not acknowledged", acknowledged: "active, acknowledged", returned_unacknowledged: "cleared, not acknowledged" }
const TONE = { frequency: 880, seconds: 0.6, rate: 16_000, level: 0.12 }
const SIGN = { high: "■", low: "▲" }

const LIST = (id) => `
<section class="card panel alarmcard" aria-label="alarms"><header><h2>Alarms <small data-testid="${id}-count">–</small></h2>
  <label class="find"><input type="checkbox" data-testid="${id}-sound"> sound</label><button data-testid="${id}-ack-all">Acknowledge all</button></header>
  <ol class="alarmlist" data-testid="${id}-list"></ol><p class="empty" data-testid="${id}-empty">No alarm.</p>
  <details class="advisories" data-testid="${id}-advisories" hidden><summary></summary><ul class="warnings"></ul></details></section>`

export const CARD = LIST("alarms")

export const HTML = `
<div class="columns alarms">${LIST("all-alarms")}
  <section class="card panel"><header><h2>Events <small>of this run, the newest first</small></h2></header>
    <div class="scroll" tabindex="0" aria-label="events"><table class="rows" data-testid="events"><thead><tr><th scope="col">Time</th><th scope="col">From</th><th scope="col">Severity</th><th scope="col">What</th></tr></thead><tbody></tbody></table></div></section>
</div>`

export function alarmList(root, id, commands) {
  byId(root, `${id}-ack-all`).onclick = () => {
    for (const alarm of stream.alarms.alarms) if (alarm.state !== "acknowledged") commands.clock("acknowledge", { alarm: alarm.id })
  }
  const sound = byId(root, `${id}-sound`)
  sound.onchange = () => bell.enable(sound.checked)
  let key = ""
  return () => {
    sound.checked = bell.on
    const alarms = stream.alarms.alarms.toSorted((a, b) => rank(a) - rank(b) || a.raised_seq - b.raised_seq)
    const known = stream.connected && stream.freshness() !== "missing"
    const active = alarms.filter(({ state }) => state !== "returned_unacknowledged").length
    const waiting = alarms.filter(({ state }) => state !== "acknowledged").length
    write(byId(root, `${id}-count`), `${active} active, ${waiting} not acknowledged${known ? "" : ", as last heard"}`)
    byId(root, `${id}-ack-all`).disabled = !waiting || !stream.clockLive()
    byId(root, `${id}-empty`).hidden = alarms.length > 0
    advisories(byId(root, `${id}-advisories`), known ? stream.note?.module : null)
    const next = JSON.stringify(alarms)
    if (next === key) return
    key = next
    byId(root, `${id}-list`).replaceChildren(...alarms.map((alarm) => item(alarm, commands)))
  }
}

const rank = ({ state, priority }) => (state === "acknowledged" ? 4 : 0) + (priority === "high" ? 0 : 1) + (state === "returned_unacknowledged" ? 2 : 0)

function item(alarm, commands) {
  const element = document.createElement("li")
  element.className = "alarm"
  flag(element, "state", alarm.state)
  flag(element, "priority", alarm.priority)
  element.dataset.testid = `alarm-${alarm.id}`
  const cell = (name, text) => {
    const part = document.createElement("span")
    part.className = name
    part.textContent = text
    element.append(part)
  }
  cell("sign", SIGN[alarm.priority])
  const seen = alarm.acknowledged_by ? `, acknowledged by ${alarm.acknowledged_by} at ${moment(alarm.acknowledged_t)}` : ""
  const gone = alarm.cleared_t === null ? "" : ` at ${moment(alarm.cleared_t)}`
  cell("what", celsius(alarm.text))
  const limit = limitOf(alarm)
  const raised = alarm.raised_t < 0 ? `before this run was forked (${moment(alarm.raised_t)})` : moment(alarm.raised_t)
  cell("how", `${raised} · ${limit ? `limit ${limit} · ` : ""}${alarm.first_out ? "FIRST OUT · " : ""}${STATES[alarm.state]}${gone}${seen}`)
  if (alarm.state !== "acknowledged") {
    const button = document.createElement("button")
    button.textContent = "Acknowledge"
    button.setAttribute("aria-label", `Acknowledge ${celsius(alarm.text)}`)
    button.onclick = () => commands.clock("acknowledge", { alarm: alarm.id })
    element.append(button)
  }
  return element
}

// In the unit that people read, as many decimals as it has.
function limitOf({ limit, unit }) {
  if (limit === null) return ""
  if (unit === "") return Math.abs(limit) < 1e-3 ? power10(limit) : `${told(100 * limit)} %`
  const [shown, factor, offset] = readAs(unit)
  return `${told(limit * factor + offset)} ${shown}`
}

const told = (value) => String(Number(value.toPrecision(4))).replace("-", "−")

export function start(root, { commands }) {
  const list = alarmList(root, "all-alarms", commands)
  const body = byId(root, "events").querySelector("tbody")
  let key = ""
  return {
    round: () => {
      list()
      const events = stream.alarms.events
      const next = `${events.length} ${events.at(-1)?.seq} ${events.at(-1)?.text}`
      if (next === key) return
      key = next
      body.replaceChildren(
        ...events.toReversed().map((event) => {
          const row = document.createElement("tr")
          row.dataset.severity = event.severity
          for (const text of [moment(event.t), event.module, event.severity, celsius(event.text)]) row.insertCell().textContent = text
          return row
        }),
      )
    },
  }
}

// A short tone for every new alarm, if somebody has asked for it. It is a file that the browser plays by itself: opening an
// AudioContext makes the page stand still, its emergency stop with it, until a device has been found.
class Bell {
  constructor() {
    this.on = false
    this.heard = new Set()
    this.rung = 0
    stream.on((kind) => kind === "alarms" && this.listen())
  }

  enable(on) {
    this.on = on
    if (on) this.sound ??= new Audio(URL.createObjectURL(tone(TONE)))
  }

  listen() {
    const waiting = stream.everywhere.alarms.filter(({ state }) => state === "unacknowledged").map(({ id, raised_seq }) => `${id} ${raised_seq}`)
    const fresh = waiting.some((key) => !this.heard.has(key))
    this.heard = new Set(waiting)
    if (fresh && this.on) this.ring()
  }

  // Where it cannot be heard the box is unticked again.
  async ring() {
    this.sound.currentTime = 0
    try {
      await this.sound.play()
      this.rung++
    } catch {
      this.on = false
    }
  }
}

// A tone that fades, 16 bit and one channel, as a file in memory.
function tone({ frequency, seconds, rate, level }) {
  const count = Math.round(seconds * rate)
  const file = new DataView(new ArrayBuffer(44 + 2 * count))
  const text = (at, letters) => [...letters].forEach((letter, i) => file.setUint8(at + i, letter.charCodeAt(0)))
  text(0, "RIFF")
  file.setUint32(4, 36 + 2 * count, true)
  text(8, "WAVEfmt ")
  const format = [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, rate, 4], [28, 2 * rate, 4], [32, 2, 2], [34, 16, 2], [40, 2 * count, 4]]
  for (const [at, value, bytes] of format) bytes === 4 ? file.setUint32(at, value, true) : file.setUint16(at, value, true)
  text(36, "data")
  for (let i = 0; i < count; i++) {
    const t = i / rate
    file.setInt16(44 + 2 * i, 32767 * level * Math.exp((-5 * t) / seconds) * Math.sin(2 * Math.PI * frequency * t), true)
  }
  return new Blob([file.buffer], { type: "audio/wav" })
}

export const bell = new Bell()
globalThis.__kpp.rung = () => bell.rung
