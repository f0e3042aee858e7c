// Sentences of the plant as lists: warnings, and remarks on its design.

import { celsius } from "../format.js"
import { write } from "./dom.js"

// One item for each text, with a sign before it; written only when they have changed.
export function listOf(element, texts, sign) {
  if (element.dataset.key === texts.join("\n")) return
  element.dataset.key = texts.join("\n")
  element.replaceChildren(
    ...texts.map((text) => Object.assign(document.createElement("li"), { textContent: `${sign}${celsius(text)}` })),
  )
}

// Remarks on the parameters in force: what a designer should look at, and nothing that an operator has to see to.
export function advisories(element, module) {
  const texts = module?.advisories ?? []
  element.hidden = !texts.length
  write(
    element.querySelector("summary"),
    `${texts.length} remark${texts.length === 1 ? "" : "s"} on the design, no alarm`,
  )
  listOf(element.querySelector("ul"), texts, "")
}
