// One question before something that cannot be undone.

import { moment } from "../format.js"
import { stream } from "../stream/stream.js"
import { byId, query, write } from "./dom.js"

export const CONFIRM = `
<dialog data-testid="confirm" aria-labelledby="kpp-confirm-title"><h2 id="kpp-confirm-title"></h2><p data-testid="confirm-text"></p>
  <div class="buttons loose"><button data-testid="confirm-no">Cancel</button
    ><button data-testid="confirm-yes" class="primary"></button></div></dialog>`

/**
 * Gives `ask(title, text, action)`, whose promise is true if the button that names the action was pressed, and false after
 * anything else: cancel, the Escape key, or another question in its place.
 * @param {HTMLElement} root
 */
export function confirmation(root) {
  const dialog = byId(root, "confirm", HTMLDialogElement)
  /** @type {(yes: boolean) => void} */
  let settle = () => {}
  /** @param {boolean} yes */
  const answer = (yes) => {
    settle(yes)
    dialog.close()
  }
  dialog.onclose = () => settle(false) // the Escape key
  byId(root, "confirm-no").onclick = () => answer(false)
  byId(root, "confirm-yes").onclick = () => answer(true)
  return (/** @type {string} */ title, /** @type {string} */ text, /** @type {string} */ action) => {
    settle(false) // a question that is still open is answered with no
    write(query(dialog, "h2"), title)
    write(byId(root, "confirm-text"), text)
    write(byId(root, "confirm-yes"), action)
    return new Promise((resolve) => {
      settle = resolve
      dialog.showModal()
    })
  }
}

/**
 * Asks before the present run ends; true without a question if it has not begun, or has ended already.
 * @param {ui.Confirm} ask
 * @param {string} title
 * @param {string} action
 * @param {string} then
 */
export async function endsRun(ask, title, action, then) {
  const { clock } = stream.note ?? {}
  const t = stream.frame?.t ?? 0
  if (!clock || clock.replay || clock.mode === "stopped" || !(t > 0)) return true
  return ask(
    title,
    `Run ${clock.run} ends at ${moment(t)} and cannot be resumed. Its recording is kept, ` +
      `and a fork can continue from any moment of it (page Runs). ${then}`.trim(),
    action,
  )
}
