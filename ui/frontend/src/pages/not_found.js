// The page for an address that names none: showing another page instead would hide that the link is wrong.

import { view } from "../stream/view_state.js"
import { byId, write } from "../widgets/dom.js"

export const HTML = `
<section class="card panel"><header><h2>There is no such page</h2></header>
  <p role="status" data-testid="unknown"></p></section>`

/** @param {HTMLElement} root */
export const start = (root) => ({
  round: () =>
    write(
      byId(root, "unknown"),
      `The address names the page "${view.page.slice(0, 40)}", which does not exist: choose one of those above.`,
    ),
})
