// Parameters: all of them as a form, and presets to save, load, compare and delete.

import { built, different, unforkable, valueText } from "../plant/parameters.js"
import { fork, newRun } from "../stream/begin_run.js"
import { messageOf } from "../stream/commands.js"
import { Latest } from "../stream/latest.js"
import { stream } from "../stream/stream.js"
import { endsRun } from "../widgets/confirm.js"
import { byId, query, write } from "../widgets/dom.js"
import { declarations, Form, inForce } from "../widgets/parameter_form.js"
import { tableHead } from "../widgets/table.js"

export const HTML = `
<div class="columns parameters">
  <section class="card panel"><header><h2>Parameters <small>SI units</small></h2>
    <label class="find">Find <input type="search" data-testid="find" placeholder="name, symbol, class or text"></label>
    <label class="find"><input type="checkbox" data-testid="changed-only"> pending or not the default</label></header>
    <div data-testid="form" class="form"></div></section>
  <section class="card panel"><header><h2>Presets</h2></header>
    <div class="until"><label for="kpp-preset-name">Name</label>
      <input id="kpp-preset-name" data-testid="preset-name" maxlength="64" autocomplete="off">
      <button data-testid="preset-save">Save what is in force</button></div>
    <div class="until"><label for="kpp-preset">Preset</label><select id="kpp-preset" data-testid="preset"></select>
      <button data-testid="preset-load">Load into form</button>
      <button data-testid="preset-fork"
        title="a new run from this moment with the values that differ; it stands at time zero">Fork with it</button>
      <button data-testid="preset-reset"
        title="a new run of the present scenario with these parameters; it stands at time zero">New run with it</button>
      <button data-testid="preset-compare">Compare</button><button data-testid="preset-delete">Delete</button></div>
    <p class="hint" role="status" data-testid="preset-answer"></p>
    <table class="rows" data-testid="preset-differences" hidden><caption></caption
      >${tableHead(["Parameter", "In force", "Preset"])}<tbody></tbody></table>
  </section>
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands, confirm }) {
  const form = new Form(byId(root, "form"), null, commands)
  const presets = new PresetBox(root, commands, form, confirm)
  const find = byId(root, "find", HTMLInputElement)
  const only = byId(root, "changed-only", HTMLInputElement)
  const filter = () => {
    const force = inForce()
    const text = find.value.trim().toLowerCase()
    for (const [name, { declaration, element }] of form.rows) {
      const found = `${name} ${declaration.symbol} ${declaration.kind} ${declaration.text}`.toLowerCase().includes(text)
      const changed = form.pending.has(name) || (force !== null && name in force && force[name] !== declaration.default)
      element.hidden = !found || (only.checked && !changed)
    }
  }
  find.oninput = only.onchange = filter
  return {
    round: () => {
      form.round()
      presets.round()
      if (only.checked) filter()
    },
    shown: () => presets.list(),
  }
}

class PresetBox {
  /**
   * @param {HTMLElement} root
   * @param {ui.Commands} commands
   * @param {Form} form
   * @param {ui.Confirm} confirm
   */
  constructor(root, commands, form, confirm) {
    this.root = root
    this.commands = commands
    this.form = form
    this.confirm = confirm
    this.select = byId(root, "preset", HTMLSelectElement)
    /** @type {{ name: string, preset: Record<string, ui.Value> } | null} */
    this.compared = null
    this.comparison = new Latest()
    /** @type {ui.Parameters | null} The parameters in force that the preset was compared with. */
    this.force = null
    byId(root, "preset-save").onclick = () => this.does(() => this.save())
    byId(root, "preset-load").onclick = () => this.does(() => this.load())
    byId(root, "preset-fork").onclick = () => this.does(() => this.fork())
    byId(root, "preset-reset").onclick = () => this.does(() => this.reset())
    byId(root, "preset-compare").onclick = () => this.does(() => this.compare())
    byId(root, "preset-delete").onclick = () => this.does(() => this.remove())
  }

  get chosen() {
    return this.select.value
  }

  /** @param {() => Promise<string | void>} what */
  async does(what) {
    const answer = byId(this.root, "preset-answer")
    try {
      write(answer, (await what()) ?? "")
      answer.dataset.bad = "no"
    } catch (error) {
      write(answer, messageOf(error))
      answer.dataset.bad = "yes"
    }
  }

  list() {
    this.does(async () => void this.fill(await this.commands.ask("presets", {})))
  }

  /**
   * @param {string[]} names
   * @param {string} [chosen]
   */
  fill(names, chosen = this.chosen) {
    const { select } = this
    select.replaceChildren(...names.map((name) => new Option(name, name)))
    if (names.includes(chosen)) select.value = chosen
    for (const id of ["load", "compare", "delete"])
      byId(this.root, `preset-${id}`, HTMLButtonElement).disabled = !names.length
  }

  async save() {
    const name = byId(this.root, "preset-name", HTMLInputElement).value.trim()
    const parameters = inForce()
    if (!parameters) throw new Error("the parameters in force are not known yet")
    const there = (await this.commands.ask("presets", {})).includes(name)
    if (
      there &&
      !(await this.confirm(`Overwrite the preset ${name}?`, "Its present values will be lost.", "Overwrite"))
    )
      return `${name} stays as it was.`
    // `new`: the server refuses to replace a preset that somebody else has saved since the question above.
    this.fill(await this.commands.ask("preset_save", { name, parameters, new: !there }), name)
    return `${name} is saved.`
  }

  async load() {
    const found = different(inForce() ?? {}, await this.commands.ask("preset_read", { name: this.chosen }))
    this.form.set(Object.fromEntries(found))
    const ofMachine = built(
      declarations(),
      found.map(([name]) => name),
    )
    const offer = ofMachine.length
      ? ` As built: ${ofMachine.join(", ")}. Apply offers a fork and a new run with them.`
      : ""
    return `${found.length} values are pending in the form.${offer}`
  }

  async fork() {
    const name = this.chosen
    const found = different(inForce() ?? {}, await this.commands.ask("preset_read", { name }))
    const never = unforkable(
      declarations(),
      found.map(([each]) => each),
    )
    if (never.length) throw new Error(`no fork can change ${never.join(", ")}: use "New run with it"`)
    if (
      !(await endsRun(this.confirm, "Fork this run?", "Fork", `The new run continues from this moment with ${name}.`))
    )
      return ""
    await fork(this.commands, Object.fromEntries(found))
    return `A fork with ${name} is requested.`
  }

  async reset() {
    const name = this.chosen
    if (!(await endsRun(this.confirm, "Begin a new run?", "New run", `The new run, with ${name}, stands at 0 s.`)))
      return ""
    newRun(this.commands, await this.commands.ask("preset_read", { name }))
    return `A new run with ${name} is requested.`
  }

  async compare() {
    const name = this.chosen
    if (!inForce()) throw new Error("the parameters in force are not known yet")
    const preset = await this.comparison.of(this.commands.ask("preset_read", { name }))
    if (!preset) return "" // another preset was chosen meanwhile
    this.compared = { name, preset }
    this.force = null
    this.round()
    return ""
  }

  // The comparison follows the values in force, whoever changes them.
  round() {
    const replayed = Boolean(stream.note?.clock?.replay) // no run can begin there
    for (const id of ["fork", "reset"])
      byId(this.root, `preset-${id}`, HTMLButtonElement).disabled = replayed || !this.chosen
    const force = inForce()
    if (!this.compared || !force || force === this.force) return
    this.force = force
    const table = byId(this.root, "preset-differences")
    const found = different(force, this.compared.preset)
    table.hidden = false
    write(query(table, "caption"), `${this.compared.name}: ${found.length} of ${declarations().length} values differ`)
    const rows = found.map(([name, value]) => {
      const row = document.createElement("tr")
      for (const text of [name, name in force ? valueText(force[name]) : "–", valueText(value)])
        row.insertCell().textContent = text
      return row
    })
    query(table, "tbody", HTMLTableSectionElement).replaceChildren(...rows)
  }

  async remove() {
    const name = this.chosen
    if (!(await this.confirm(`Delete the preset ${name}?`, "Its file will be removed.", "Delete"))) return ""
    this.fill(await this.commands.ask("preset_delete", { name }))
    if (this.compared?.name === name) {
      this.compared = null
      byId(this.root, "preset-differences").hidden = true
    }
    return `${name} is deleted.`
  }
}
