// Forms made from the parameters' declarations: unit, limits, default and source beside each field; what is wrong is said
// in place, and what is typed is kept apart from what is in force until it is applied.

import { write } from "./dom.js"
import { unitText } from "./format.js"
import { stream } from "./stream.js"

const FLAGS = { D: "derived", P: "predecessor", S: "published source", A: "assumption", "S/A": "source, assumption", "-": "choice" }

export const declarations = () => stream.hello?.declarations ?? []
export const inForce = () => stream.geometry?.parameters ?? null
// Whether what is in force is known from that tick of that run or from later.
const inForceSince = (run, seq) => stream.geometry !== null && (stream.geometry.run !== run || stream.geometry.seq >= seq)

// Why a text is no value of a parameter, empty when it is one.
export function wrong(declaration, text) {
  const { name, unit, minimum, maximum, choices } = declaration
  if (choices.length) return choices.includes(text) ? "" : `choose one of ${choices.join(", ")}`
  const value = Number(text)
  const si = unit === "-" ? "" : ` ${unitText(unit)}`
  if (text.trim() === "" || !Number.isFinite(value)) return `give a number${si && ` in${si}`}`
  if (value < minimum) return `the lowest value allowed is ${minimum}${si}`
  if (value > maximum) return `the highest value allowed is ${maximum}${si}`
  if ((name === "floater_count" || name === "pole_pairs") && !Number.isInteger(value)) return "give a whole number"
  return ""
}

export const valueOf = ({ choices }, text) => (choices.length ? text : Number(text))
export const told = (value) => (typeof value === "number" ? String(Number(value.toPrecision(12))) : String(value))

// Some parameters as fields in a box; call the result to follow the plant.
export function fields(commands) {
  return (box, names) => {
    const form = new Form(box, names, commands)
    return () => form.round()
  }
}

export class Form {
  constructor(box, names, commands) {
    this.box = box
    this.names = names
    this.commands = commands
    this.pending = new Map()
    this.sent = new Map()
    this.rows = new Map()
    this.answers = new Map()
  }

  build() {
    const known = new Map(declarations().map((each) => [each.name, each]))
    const chosen = (this.names ?? [...known.keys()]).map((name) => known.get(name)).filter(Boolean)
    this.box.innerHTML = `<div class="fields">${chosen.map(row).join("")}</div><div class="applybar"><span data-role="summary" aria-live="polite"></span><button data-role="revert" disabled>Revert</button><button data-role="apply" class="primary" disabled>Apply</button></div>`
    for (const declaration of chosen) {
      const element = this.box.querySelector(`[data-field="${declaration.name}"]`)
      const input = element.querySelector("input, select")
      input.oninput = () => this.typed(declaration, input.value)
      input.onkeydown = ({ key }) => key === "Enter" && this.apply()
      this.rows.set(declaration.name, { declaration, element, input })
    }
    this.part("revert").onclick = () => this.revert()
    this.part("apply").onclick = () => this.apply()
  }

  part(role) {
    return this.box.querySelector(`[data-role="${role}"]`)
  }

  typed(declaration, text) {
    const force = inForce()?.[declaration.name]
    if (force !== undefined && text === told(force)) this.pending.delete(declaration.name)
    else this.pending.set(declaration.name, text)
    this.answers.delete(declaration.name)
    this.round()
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const row = this.rows.get(name)
      if (row) this.typed(row.declaration, told(value))
    }
  }

  revert() {
    this.pending.clear()
    this.answers.clear()
    this.round()
  }

  faults() {
    return [...this.pending].map(([name, text]) => [name, wrong(this.rows.get(name).declaration, text)]).filter(([, reason]) => reason)
  }

  apply() {
    if (!this.pending.size || this.faults().length || !inForce()) return
    const args = Object.fromEntries([...this.pending].map(([name, text]) => [name, valueOf(this.rows.get(name).declaration, text)]))
    this.sent.set(this.commands.plant("set_parameters", args), { args, run: stream.geometry.run })
  }

  answered() {
    for (const [id, { args, run }] of this.sent) {
      const command = stream.commands.get(id)
      if (!command || command.phase === "sent" || command.phase === "sequenced") continue
      // Until the values in force are from after the change, the field would fall back to the old one.
      if (command.phase === "applied" && !inForceSince(run, command.seq)) continue
      this.sent.delete(id)
      for (const [name, value] of Object.entries(args)) {
        if (command.phase === "applied") {
          if (this.pending.get(name) === told(value) || Number(this.pending.get(name)) === value) this.pending.delete(name)
        } else if (!command.reason || command.reason.includes(name) || Object.keys(args).length === 1) this.answers.set(name, command.reason)
      }
      this.failure = command.phase === "applied" ? "" : command.reason
    }
  }

  round() {
    if (!this.rows.size) {
      if (!declarations().length) return
      this.build()
    }
    this.answered()
    const force = inForce()
    for (const [name, { declaration, element, input }] of this.rows) this.show(name, declaration, element, input, force)
    const faults = this.faults()
    const waits = this.sent.size > 0
    this.part("apply").disabled = !this.pending.size || faults.length > 0 || !force || waits || !stream.clockLive()
    this.part("revert").disabled = !this.pending.size
    const summary = faults.length ? `${faults.length} wrong` : waits ? "sent …" : this.pending.size ? `${this.pending.size} pending, not applied` : this.failure ? "" : "all applied"
    write(this.part("summary"), this.failure && this.pending.size ? `refused: ${this.failure}` : summary)
    this.part("summary").dataset.bad = faults.length || (this.failure && this.pending.size) ? "yes" : "no"
  }

  show(name, declaration, element, input, force) {
    const text = this.pending.get(name)
    const applied = force?.[name]
    const reason = text === undefined ? "" : wrong(declaration, text) || this.answers.get(name) || ""
    const wanted = text ?? (applied === undefined ? "" : told(applied))
    // A field that nobody has touched follows the plant, whoever changed it.
    if (input.value !== wanted && (text !== undefined || input.getRootNode().activeElement !== input)) input.value = wanted
    const fixedInRun = declaration.structural || declaration.minimum !== null && declaration.minimum === declaration.maximum
    input.disabled = !force || fixedInRun
    element.dataset.pending = text === undefined ? "no" : "yes"
    element.dataset.bad = reason ? "yes" : "no"
    input.setAttribute("aria-invalid", String(Boolean(reason)))
    write(element.querySelector(".why"), reason)
    write(element.querySelector(".force"), applied === undefined ? "in force: –" : text === undefined ? "" : `in force: ${told(applied)}`)
  }
}

function row(declaration) {
  const { name, symbol, unit, minimum, maximum, choices, flag, text, structural } = declaration
  const id = `kpp-f-${name}-${Math.random().toString(36).slice(2, 7)}`
  const control = choices.length
    ? `<select id="${id}" data-testid="field-${name}" aria-describedby="${id}-h">${choices.map((choice) => `<option>${choice}</option>`).join("")}</select>`
    : `<input id="${id}" data-testid="field-${name}" type="text" inputmode="decimal" autocomplete="off" aria-describedby="${id}-h">`
  const limits = choices.length ? "" : minimum === maximum ? "fixed" : `${told(minimum)} to ${told(maximum)}`
  const ofRun = structural ? " · with a new run only" : ""
  return `<div class="field" data-field="${name}"><label for="${id}" title="${name}">${text}${symbol === "-" ? "" : ` <i>${symbol}</i>`}</label><span class="entry">${control}<span class="unit">${unit === "-" ? "" : unitText(unit)}</span></span>
    <small id="${id}-h">${limits}${limits && " · "}default ${told(declaration.default)} · ${FLAGS[flag] ?? flag}${ofRun} <span class="force"></span></small><em class="why" role="alert"></em></div>`
}
