// The choice of the plant module that the page shows, and how many alarms of each one wait.

import { addressOf } from "../stream/modules.js"
import { stream } from "../stream/stream.js"
import { query, write } from "./dom.js"

export const SELECTOR = `
  <label class="module" data-testid="module-choice" hidden>Module <select data-testid="module" aria-label="plant module"></select></label>`

/**
 * Keeps the selector as the plant is: how many alarms of each module wait stands beside its name.
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
