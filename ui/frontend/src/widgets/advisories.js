// Sentences of the plant as lists: warnings, and remarks on its design.

import { celsius } from "../format.js"
import { query, write } from "./dom.js"

/**
 * Shows one item for each text, with a sign before it; the list is touched only when the texts have changed.
 * @param {HTMLElement} element
 * @param {string[]} texts
 * @param {string} sign
 */
export function listOf(element, texts, sign) {
  if (element.dataset.key === texts.join("\n")) return
  element.dataset.key = texts.join("\n")
  element.replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: `${sign}${celsius(text)}` })),
  )
}

/**
 * Shows remarks on the parameters in force: something for a designer to look at, and nothing that an operator has to act on.
 * @param {HTMLElement} element
 * @param {ui.Module | null | undefined} module
 */
export function advisories(element, module) {
  const texts = module?.advisories ?? []
  element.hidden = !texts.length
  write(
    query(element, "summary"),
    `${texts.length} remark${texts.length === 1 ? "" : "s"} on the design (not an alarm)`,
  )
  listOf(query(element, "ul"), texts, "")
}
