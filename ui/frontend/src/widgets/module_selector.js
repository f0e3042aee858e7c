// The selector of the plant module that the page shows, with the number of alarms that wait for acknowledgement in each.

import { addressOf } from "../stream/modules.js"
import { stream } from "../stream/stream.js"
import { query, write } from "./dom.js"

export const SELECTOR = `
  <label class="module" data-testid="module-choice" hidden>Module <select data-testid="module" aria-label="plant module"></select></label>`

/**
 * The returned function is to be called a few times a second. The selector is hidden for a single module, unless the address
 * names one that does not exist.
 * @param {HTMLElement} label
 */
export function followModules(label) {
  const select = query(label, "select", HTMLSelectElement)
  select.onchange = () => location.assign(addressOf(select.value))
  return () => {
    const { modules, module } = stream.hello ?? { modules: [], module: null }
    label.hidden = modules.length < 2 && module !== null
    if (label.hidden) return
    if (select.options.length !== modules.length) {
      select.replaceChildren(...modules.map((each) => new Option(each, each)))
      select.value = module ?? ""
    }
    for (const option of select.options) {
      const waiting = stream.everywhere.alarms.filter(
        (alarm) => alarm.module === option.value && alarm.state !== "acknowledged",
      ).length
      write(option, waiting ? `${option.value} ▲ ${waiting}` : option.value)
    }
  }
}
