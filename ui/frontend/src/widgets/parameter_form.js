// Forms that are made from the parameters' declarations: unit, limits, default and source stand beside each field. What is
// wrong is said at the field. What is typed stays pending until it is applied, and is not mixed with what is in force.

import { unitText } from "../format.js"
import { built, fixedValue, kindText, unforkable, valueOf, valueText, wrong } from "../plant/parameters.js"
import { fork, newRun } from "../stream/begin_run.js"
import { messageOf } from "../stream/commands.js"
import { stream } from "../stream/stream.js"
import { focused, query, write } from "./dom.js"

const KINDS = {
  built: "the machine and its site as built: a change takes another run",
  condition: "the condition of the machine: may change during a run, without changing any stored energy",
  setting: "set by the operator: may change during a run, without changing any stored energy",
  environment: "the surroundings of the plant: may change during a run",
}
const REPLAYED =
  "This is a replay: what is recorded cannot be changed. Fork the run on the plant's own dashboard (page Runs)."
/** @type {Record<string, string>} */
const FLAGS = {
  D: "derived",
  P: "predecessor",
  S: "published source",
  A: "assumption",
  "S/A": "source, assumption",
  "-": "choice",
}

const APPLY_BAR = `<div class="applybar"><span data-role="summary" aria-live="polite"></span>
      <button data-role="revert" disabled>Revert</button>
      <button data-role="apply" class="primary" disabled>Apply</button></div>
    <div class="applybar" data-role="offer" role="group" aria-label="another run with this change" hidden
      ><span data-role="offered" role="status"></span><button data-role="fork">Fork with this change</button
      ><button data-role="new-run">New run with this change</button></div>`

export const declarations = () => stream.hello?.declarations ?? []
export const inForce = () => stream.geometry?.parameters ?? null
/**
 * Whether the parameters in force are known as of that tick of that run, or later.
 * @param {string} run
 * @param {number} seq
 */
const inForceSince = (run, seq) =>
  stream.geometry !== null && (stream.geometry.run !== run || stream.geometry.seq >= seq)

/**
 * Whether the parameters that are known are those of another run than that one.
 * @param {string} run
 */
const inForceAfter = (run) => stream.geometry !== null && stream.geometry.run !== run

/**
 * Gives a function that puts some parameters as fields into a box; what that returns is to be called a few times a second.
 * @param {ui.Commands} commands
 */
export function fields(commands) {
  return (/** @type {HTMLElement} */ box, /** @type {string[]} */ names) => {
    const form = new Form(box, names, commands)
    return () => form.round()
  }
}

/** @typedef {HTMLInputElement | HTMLSelectElement} Input */
/** @typedef {{ declaration: ui.ParameterDeclaration, element: HTMLElement, input: Input }} Row */
/**
 * Values on their way into force. `run`: the run in which they were sent; `anew`: true if they come with another run.
 * @typedef {{ args: Record<string, ui.Value>, run: string, anew?: boolean }} Sent
 */

export class Form {
  /**
   * @param {HTMLElement} box
   * @param {string[] | null} names
   * @param {ui.Commands} commands
   */
  constructor(box, names, commands) {
    this.box = box
    this.names = names
    this.commands = commands
    /** @type {Map<string, string>} Texts that were typed and are not in force, by name. */
    this.pending = new Map()
    /** @type {Map<string, Sent>} By the id of the command. */
    this.sent = new Map()
    /** @type {Map<string, Row>} By name. */
    this.rows = new Map()
    /** @type {Map<string, string>} Why a value was refused, by name. */
    this.answers = new Map()
    this.failure = ""
    this.offered = false
    this.preparing = false
  }

  build() {
    const known = new Map(declarations().map((each) => [each.name, each]))
    const chosen = (this.names ?? [...known.keys()]).flatMap((name) => known.get(name) ?? [])
    this.box.innerHTML = `<div class="fields">${chosen.map(row).join("")}</div>${APPLY_BAR}`
    for (const declaration of chosen) {
      const element = query(this.box, `[data-field="${declaration.name}"]`)
      const input = element.querySelector("input") ?? query(element, "select", HTMLSelectElement)
      input.oninput = () => this.typed(declaration, input.value)
      input.onkeydown = ({ key }) => key === "Enter" && this.apply()
      this.rows.set(declaration.name, { declaration, element, input })
    }
    this.part("revert").onclick = () => this.revert()
    this.part("apply").onclick = () => this.apply()
    this.part("fork").onclick = () => this.rebuild(fork)
    this.part("new-run").onclick = () => this.rebuild(newRun)
  }

  /** @param {string} name */
  declaration(name) {
    const row = this.rows.get(name)
    if (!row) throw new Error(`the form has no field ${name}`)
    return row.declaration
  }

  /** @param {string} role */
  button(role) {
    return query(this.box, `[data-role="${role}"]`, HTMLButtonElement)
  }

  /** @param {string} role */
  part(role) {
    return query(this.box, `[data-role="${role}"]`)
  }

  /**
   * @param {ui.ParameterDeclaration} declaration
   * @param {string} text
   */
  typed(declaration, text) {
    const force = inForce()?.[declaration.name]
    if (force !== undefined && text === valueText(force)) this.pending.delete(declaration.name)
    else this.pending.set(declaration.name, text)
    this.answers.delete(declaration.name)
    this.round()
  }

  /** @param {Record<string, ui.Value>} values */
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      const row = this.rows.get(name)
      if (row) this.typed(row.declaration, valueText(value))
    }
  }

  revert() {
    this.offered = false
    this.pending.clear()
    this.answers.clear()
    this.round()
  }

  faults() {
    return [...this.pending].map(([name, text]) => wrong(this.declaration(name), text)).filter(Boolean)
  }

  values() {
    return Object.fromEntries([...this.pending].map(([name, text]) => [name, valueOf(this.declaration(name), text)]))
  }

  apply() {
    const { geometry } = stream
    if (!this.pending.size || this.faults().length || !geometry) return
    const args = this.values()
    if (built(declarations(), Object.keys(args)).length) this.offered = true
    else this.sent.set(this.commands.plant("set_parameters", args), { args, run: geometry.run })
    this.round()
  }

  /**
   * Begins another run with all pending values; they are in force once that run has begun.
   * @param {(commands: ui.Commands, parameters: Record<string, ui.Value>) => Promise<string> | string} begin
   */
  async rebuild(begin) {
    const args = this.values()
    const run = stream.geometry?.run ?? ""
    this.preparing = true
    this.failure = ""
    this.round()
    try {
      this.sent.set(await begin(this.commands, args), { args, run, anew: true })
    } catch (error) {
      this.failure = messageOf(error)
    }
    this.preparing = false
    this.round()
  }

  answered() {
    for (const [id, { args, run, anew }] of this.sent) {
      const command = stream.commands.get(id)
      if (!command || command.phase === "sent" || command.phase === "sequenced") continue
      // The values in force come on their own, some time after the answer. Let go before that, a field would show the old value
      // for a moment.
      if (command.phase === "applied" && !(anew ? inForceAfter(run) : inForceSince(run, command.seq ?? 0))) continue
      this.sent.delete(id)
      for (const [name, value] of Object.entries(args)) {
        if (command.phase === "applied") {
          if (this.pending.get(name) === valueText(value) || Number(this.pending.get(name)) === value)
            this.pending.delete(name)
        } else if (!command.reason || command.reason.includes(name) || Object.keys(args).length === 1)
          this.answers.set(name, command.reason ?? "")
      }
      this.failure = command.phase === "applied" ? "" : (command.reason ?? "")
      if (command.phase === "applied") this.offered = false
    }
  }

  // To be called a few times a second.
  round() {
    if (!this.rows.size) {
      if (!declarations().length) return
      this.build()
    }
    this.answered()
    const force = inForce()
    for (const [name, { declaration, element, input }] of this.rows) this.show(name, declaration, element, input, force)
    const faults = this.faults()
    const waits = this.sent.size > 0 || this.preparing
    const replayed = Boolean(stream.note?.clock?.replay)
    const able = !replayed && this.pending.size > 0 && !faults.length && Boolean(force) && !waits && stream.clockLive()
    this.button("apply").disabled = !able
    this.part("apply").title = replayed ? REPLAYED : ""
    this.button("revert").disabled = !this.pending.size
    this.offer(able)
    const summary = replayed
      ? REPLAYED
      : faults.length
        ? `${faults.length} not valid`
        : this.preparing
          ? "preparing this moment …"
          : waits
            ? "sent …"
            : this.pending.size
              ? `${this.pending.size} pending, not applied`
              : this.failure
                ? ""
                : "all applied"
    write(this.part("summary"), this.failure && this.pending.size ? `refused: ${this.failure}` : summary)
    this.part("summary").dataset.bad = faults.length || (this.failure && this.pending.size) ? "yes" : "no"
  }

  /**
   * Offers another run, from this moment or from standstill, for a change of what is built.
   * @param {boolean} able
   */
  offer(able) {
    const names = [...this.pending.keys()]
    const ofMachine = built(declarations(), names)
    if (!ofMachine.length) this.offered = false
    this.part("offer").hidden = !this.offered
    if (!this.offered) return
    const never = unforkable(declarations(), names)
    const rest = names.length > ofMachine.length ? " The other pending values are included." : ""
    const why = never.length ? ` No fork can change ${never.join(", ")}.` : ""
    write(this.part("offered"), `As built, and fixed during a run: ${ofMachine.join(", ")}.${why}${rest}`)
    this.button("fork").disabled = !able || never.length > 0
    this.button("new-run").disabled = !able
  }

  /**
   * @param {string} name
   * @param {ui.ParameterDeclaration} declaration
   * @param {HTMLElement} element
   * @param {Input} input
   * @param {ui.Parameters | null} force
   */
  show(name, declaration, element, input, force) {
    const text = this.pending.get(name)
    const applied = force?.[name]
    const reason = text === undefined ? "" : wrong(declaration, text) || this.answers.get(name) || ""
    const wanted = text ?? (applied === undefined ? "" : valueText(applied))
    // A field that was not touched follows the plant, whoever changes the value; but not while somebody is about to type.
    if (input.value !== wanted && (text !== undefined || focused(input) !== input)) input.value = wanted
    input.disabled = !force || fixedValue(declaration) || Boolean(stream.note?.clock?.replay)
    element.dataset.pending = text === undefined ? "no" : "yes"
    element.dataset.bad = reason ? "yes" : "no"
    input.setAttribute("aria-invalid", String(Boolean(reason)))
    write(query(element, ".why"), reason)
    write(
      query(element, ".force"),
      applied === undefined ? "in force: –" : text === undefined ? "" : `in force: ${valueText(applied)}`,
    )
  }
}

/** @param {number | null} bound */
const boundText = (bound) => (bound === null ? "unlimited" : valueText(bound))

/** @param {ui.ParameterDeclaration} declaration */
function row(declaration) {
  const { name, symbol, unit, minimum, maximum, choices, flag, text, kind } = declaration
  // The same parameter may have fields on several pages, which are all in one document: ids have to differ.
  const id = `kpp-f-${name}-${Math.random().toString(36).slice(2, 7)}`
  const common = `id="${id}" data-testid="field-${name}" aria-describedby="${id}-h"`
  const control = choices.length
    ? `<select ${common}>${choices.map((choice) => `<option>${choice}</option>`).join("")}</select>`
    : `<input ${common} type="text" inputmode="decimal" autocomplete="off">`
  const range = minimum === maximum ? "fixed" : `${boundText(minimum)} to ${boundText(maximum)}`
  const limits = choices.length ? "" : `${range} · `
  return `<div class="field" data-field="${name}"
    ><label for="${id}" title="${name}">${text}${symbol === "-" ? "" : ` <i>${symbol}</i>`}</label
    ><span class="entry">${control}<span class="unit">${unit === "-" ? "" : unitText(unit)}</span></span>
    <small id="${id}-h">${limits}default ${valueText(declaration.default)} · ${FLAGS[flag] ?? flag}
      · <b class="kind" data-kind="${kind}" title="${KINDS[kind]}">${kindText(declaration)}</b> <span class="force"></span></small
    ><em class="why" role="alert"></em></div>`
}
