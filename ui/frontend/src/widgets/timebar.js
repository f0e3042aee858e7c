// Which range of time the plots of a page show: window, freezing, scrubbing back through the run, return to the present.

import { moment } from "../format.js"
import { stream } from "../stream/stream.js"
import { view, WINDOWS } from "../stream/view_state.js"
import { byId, flag, query, queryAll, write } from "./dom.js"

/** @param {string} id */
const windowButton = (id) => (/** @type {number} */ seconds) =>
  `<button data-window="${seconds}" data-testid="${id}window-${seconds}"
    >${seconds < 60 ? `${seconds} s` : `${seconds / 60} min`}</button>`
/** @param {string} id */
const windowButtons = (id) =>
  `<div class="buttons" role="group" aria-label="window">${WINDOWS.map(windowButton(id)).join("")}</div>`
/** @param {string} id */
const exportButtons = (id) =>
  `<button data-testid="${id}csv" title="what the plots show, as CSV">CSV</button
    ><button data-testid="${id}png" title="what the plots show, as a picture">PNG</button>`

/**
 * `id`: beginning of the page's test ids; `windows`: false on a page that shows a moment and not a range.
 * @param {string} id
 * @param {{ windows?: boolean, exports?: boolean }} [options]
 */
export const timebar = (id, { windows = true, exports = true } = {}) => `
  <div class="timebar" data-timebar="${id}">
    ${windows ? windowButtons(id) : ""}
    <button data-testid="${id}freeze" aria-pressed="false"
      title="freeze plots and picture; the plant keeps running (space bar)">Freeze view</button>
    <input type="range" min="0" step="0.01" data-testid="${id}scrub" aria-label="scrub back through the run"
      title="drag to go back through the run, as it was recorded">
    <output data-testid="${id}range">–</output>
    <button data-testid="${id}live" class="primary" hidden>Return to live</button>
    ${exports ? exportButtons(id) : ""}
  </div>`

export function toggleFreeze() {
  if (view.frozen) return view.set({ frozen: false, at: null, held: null })
  const at = view.at ?? stream.series?.last ?? null
  // The frame that is shown now is kept: the recorder may not have it yet, or may not be running.
  view.set({ frozen: true, at, held: view.at === null && stream.frame ? { at, frame: stream.frame } : null })
}

// The latest time that can be shown: the newest sample or, in a replay, the end of the recording.
function last() {
  const clock = stream.note?.clock
  return Math.max(stream.series?.last ?? 0, clock?.replay ? clock.replay_range[1] : 0)
}

/**
 * The returned function is to be called a few times a second while the page is open. `told` gives a remark on what is shown,
 * or an empty text.
 * @param {HTMLElement} root
 * @param {string} id
 * @param {() => string} [told]
 */
export function followTime(root, id, told = () => "") {
  /** @param {string} name */
  const part = (name) => byId(root, `${id}${name}`)
  const [freeze, live, range] = ["freeze", "live", "range"].map(part)
  const scrub = byId(root, `${id}scrub`, HTMLInputElement)
  const bar = query(root, ".timebar")
  const stretch = bar.querySelector("[data-window]") !== null
  let held = false
  for (const button of queryAll(root, "[data-window]"))
    button.onclick = () => view.set({ window: Number(button.dataset.window), zoom: null })
  freeze.onclick = toggleFreeze
  live.onclick = () => view.set({ frozen: false, zoom: null, at: null, held: null })
  scrub.oninput = () => {
    held = true
    const end = Number(scrub.value)
    view.set(view.zoom ? { zoom: [end - (view.zoom[1] - view.zoom[0]), end] } : { at: end })
  }
  scrub.onchange = () => (held = false)

  const show = () => {
    for (const button of queryAll(root, "[data-window]"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.window) === view.window))
    freeze.setAttribute("aria-pressed", String(view.frozen))
    live.hidden = view.live
    flag(bar, "past", view.live ? "no" : "yes")
    if (!stretch) flag(root, "past", view.live ? "no" : "yes") // the whole page shows that moment
    const [from, to] = view.range()
    // A slider under the user's hand is left alone; the run grows meanwhile, and would pull it away.
    if (!held) {
      const end = String(Math.max(last(), 0.01))
      if (scrub.max !== end) scrub.max = end
      const at = String(view.live ? last() : to)
      if (scrub.value !== at) scrub.value = at
    }
    const problem = view.live ? "" : told()
    write(
      range,
      problem ||
        (view.live ? "live" : stretch ? `${moment(Math.max(0, from))} to ${moment(to)}` : `past, at ${moment(to)}`),
    )
    flag(range, "bad", problem ? "yes" : "no")
  }
  view.listeners.add(show)
  show()
  return show
}
