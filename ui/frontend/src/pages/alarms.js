// Alarms: those that ask for attention, and the events of the run.

import { celsius, moment } from "../format.js"
import { stream } from "../stream/stream.js"
import { ALARM_LIST, alarmList } from "../widgets/alarm_list.js"
import { byId, query } from "../widgets/dom.js"
import { tableHead } from "../widgets/table.js"

export const HTML = `
<div class="columns alarms">${ALARM_LIST("all-alarms")}
  <section class="card panel"><header><h2>Events <small>of this run, the newest first</small></h2></header>
    <div class="scroll" tabindex="0" aria-label="events"
      ><table class="rows" data-testid="events">${tableHead(["Time", "From", "Severity", "What"])}<tbody></tbody></table></div></section>
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const list = alarmList(root, "all-alarms", commands)
  const body = query(byId(root, "events"), "tbody", HTMLTableSectionElement)
  let key = "" // by which the newest event is known: rows that have not changed are left alone, and can be selected
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
          for (const text of [moment(event.t), event.module, event.severity, celsius(event.text)])
            row.insertCell().textContent = text
          return row
        }),
      )
    },
  }
}
