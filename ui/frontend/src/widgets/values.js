// Numbers by their channel: written into every element of a page that names one, with unit and meaning.

import { fixed, MISSING, power10 } from "../format.js"
import { unsteady, WITHHELD } from "../plant/steadiness.js"
import { stream } from "../stream/stream.js"
import { flag, queryAll, write } from "./dom.js"

/**
 * A line of a list that shows a channel. `options`: further attributes of the element with the number.
 * @param {string} path
 * @param {string} label
 * @param {string} [options]
 */
export const number = (path, label, options = "") =>
  `<div class="fact"><dt>${label}</dt>
    <dd><b data-v="${path}" ${options} data-testid="v-${path}">–</b> <span class="unit"></span></dd></div>`

/**
 * A line of a list that is written by its test id.
 * @param {string} id
 * @param {string} label
 */
export const fact = (id, label) => `<div class="fact"><dt>${label}</dt><dd><b data-testid="${id}">–</b></dd></div>`

/**
 * A panel with a list of lines, each given as HTML or as channel and label.
 * @param {string} title
 * @param {(string | [path: string, label: string])[]} rows
 */
export const facts = (title, rows) => `
<section class="card panel"><header><h2>${title}</h2></header><dl class="factlist">
  ${rows.map((row) => (Array.isArray(row) ? number(...row) : row)).join("")}
</dl></section>`

/**
 * A line that shows a field of the note about the module, such as a mode.
 * @param {string} key
 * @param {string} label
 */
export const word = (key, label) =>
  `<div class="fact"><dt>${label}</dt><dd><b data-word="${key}" data-testid="w-${key}">–</b></dd></div>`

/**
 * The returned function brings the numbers up to date. `read`: gives a channel's value, null if there is none.
 * @param {HTMLElement} root
 * @param {ui.Read} [read]
 */
export function values(root, read = (/** @type {string} */ path) => stream.value(path)) {
  const numbers = queryAll(root, "[data-v]")
  const words = queryAll(root, "[data-word]")
  return () => {
    for (const element of numbers) show(element, read)
    const module = stream.freshness() === "missing" ? null : stream.note?.module
    for (const element of words) write(element, spoken(module?.[/** @type {keyof ui.Module} */ (element.dataset.word)]))
  }
}

/**
 * @param {HTMLElement} element
 * @param {ui.Read} read
 */
function show(element, read) {
  const path = element.dataset.v ?? ""
  const channel = stream.channel(path)
  if (!channel) return
  const value = read(path)
  const why = WITHHELD.has(path) && value === null ? unsteady(read) : null
  flag(element, "withheld", why ? "yes" : "no")
  if (WITHHELD.has(path)) element.title = why?.text ?? channel.meaning
  if (why) write(element, why.word)
  else
    write(
      element,
      "power" in element.dataset ? power10(value) : fixed(value, Number(element.dataset.decimals ?? channel.decimals)),
    )
  const unit = element.nextElementSibling
  if (unit?.classList.contains("unit")) write(unit, why ? "" : channel.unit)
  if (!element.title) element.title = channel.meaning
}

/**
 * A word of the bus as people write it.
 * @param {unknown} value
 */
export function spoken(value) {
  if (value === undefined || value === null || value === "") return MISSING
  if (value === true) return "yes"
  if (value === false) return "no"
  return String(value).replaceAll("_", " ")
}
