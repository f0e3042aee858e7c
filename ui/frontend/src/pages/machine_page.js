// A page about machines: panels of numbers beside the trends of the most important ones.

import { trendPlots, trends } from "../plots/trends.js"
import { values } from "../widgets/values.js"

/**
 * Makes such a page. `id`: beginning of its test ids; `panels`: HTML.
 * @param {string} id
 * @param {string[]} panels
 * @param {ui.TrendPlot[]} plots
 */
export const machinePage = (id, panels, plots) => ({
  HTML: `<div class="machine"><div class="stack-of-panels">${panels.join("")}</div>${trends(id, plots)}</div>`,
  start: (/** @type {HTMLElement} */ root, /** @type {ui.Tools} */ { commands }) => {
    const show = values(root)
    const drawn = trendPlots(root, id, plots, commands)
    return {
      round: () => {
        show()
        drawn.legend()
      },
      draw: drawn.draw,
      restyle: drawn.restyle,
      resize: drawn.restyle,
    }
  },
})
