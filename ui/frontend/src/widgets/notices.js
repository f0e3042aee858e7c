// Notices that concern every page: a strip at the foot of the window, over the page, so that nothing moves when a notice
// comes or goes. The page leaves room for it at its end.

import { duration, fixed } from "../format.js"
import { unknownModule } from "../stream/modules.js"
import { stream } from "../stream/stream.js"
import { byId, flag, write } from "./dom.js"

export const NOTICES = `
<div class="notices" data-testid="notices">
  <div class="banner replay" data-testid="replay" role="status" hidden></div>
  <div class="banner missing" data-testid="missing" role="alert" hidden></div>
  <div class="banner unsourced" data-testid="unsourced" role="alert" hidden></div>
</div>`

/**
 * The returned function is to be called a few times a second.
 * @param {HTMLElement} root
 */
export function notices(root) {
  const rounds = [() => replay(root), () => missing(root), () => unsourced(root)]
  return () => rounds.forEach((round) => round())
}

/**
 * Says that a recording is played back, and that this is no plant.
 * @param {HTMLElement} root
 */
function replay(root) {
  const banner = byId(root, "replay")
  const clock = stream.note?.clock
  const module = stream.note?.module
  const on = Boolean(clock?.replay || module?.replay)
  banner.hidden = !on
  if (on) write(banner, `REPLAY of run ${clock?.replay || module?.run}: recorded, not live`)
  flag(root, "replay", on ? "yes" : "no")
}

/**
 * Names the nodes that are missing, and says what that means for the reader.
 * @param {HTMLElement} root
 */
function missing(root) {
  const banner = byId(root, "missing")
  const reasons = [unknownModule()].filter(Boolean)
  if (!stream.connected) reasons.push("The dashboard's own server does not answer: this page will reload when it does.")
  const silent = (stream.connected && stream.note ? stream.note.nodes : []).filter(
    ({ state }) => state === "missing" || state === "stale",
  )
  if (silent.length) {
    const names = silent.map(({ label, age }) =>
      age === null ? `${label} (never heard)` : `${label} (silent for ${duration(age)})`,
    )
    reasons.push(`Missing: ${names.join(", ")}.`)
    // Without gateway or recorder the values are as good as ever.
    if (silent.some(({ node }) => !["gateway", "recorder"].includes(node)))
      reasons.push(
        stream.freshness() === "live"
          ? "The values shown will soon be out of date."
          : "The values shown are out of date and greyed out.",
      )
  }
  if (stream.connected && stream.note?.module?.catching_up)
    reasons.push(`physics ${stream.note.module.name} is catching up with the clock.`)
  banner.hidden = !reasons.length
  write(banner, reasons.join(" "))
}

/**
 * Says how much of the output has no source, while any claim adds some.
 * @param {HTMLElement} root
 */
function unsourced(root) {
  const banner = byId(root, "unsourced")
  const power = Math.max(stream.value("powers.unsourced") ?? 0, stream.value("meters.unsourced_power") ?? 0)
  banner.hidden = !(power > 0)
  if (power > 0) write(banner, `▲ ${fixed(power, power < 0.1 ? 3 : 1)} kW of this output has no source in the model`)
}
