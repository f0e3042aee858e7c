// The emergency stop, on every page. It acts without a question; leaving it takes one.

import { EVERY_MODULE, several } from "../stream/modules.js"
import { stream } from "../stream/stream.js"
import { byId, flag, write } from "./dom.js"

export const STOPS = `<div class="stops"><span class="next">
      <button data-testid="emergency-reset" hidden>Reset trip …</button>
      <button data-testid="plant-start"
        title="pressurise the receiver and start the chain: the plant stands still while simulated time runs"
        hidden>Start plant</button></span>
      <button class="stopbutton" data-testid="emergency-stop"
        title="brake at once, vent all floaters (simulator stop)">EMERGENCY STOP</button>
      <button class="stopbutton" data-testid="emergency-stop-all"
        title="brake every module of the plant in the same tick" hidden>Emergency stop all modules</button></div>`

export const RESET_DIALOG = `<dialog data-testid="reset-dialog" aria-labelledby="kpp-reset-title">
    <h2 id="kpp-reset-title">Reset the trip?</h2>
    <p data-testid="reset-cause"></p>
    <p class="hint">This leads to the state "stopped": the brake stays set until the plant is started again.</p>
    <div class="buttons loose"><button data-testid="reset-cancel">Cancel</button>
    <button data-testid="reset-confirm" class="primary">Reset trip</button></div></dialog>`

/**
 * The returned function is to be called a few times a second.
 * @param {HTMLElement} root
 * @param {ui.Commands} commands
 */
export function emergencyStop(root, commands) {
  const dialog = byId(root, "reset-dialog", HTMLDialogElement)
  byId(root, "emergency-stop").onclick = () => commands.plant("emergency_stop")
  byId(root, "emergency-stop-all").onclick = () => commands.press(EVERY_MODULE, "emergency_stop")
  byId(root, "emergency-reset").onclick = () => {
    const module = stream.note?.module
    write(byId(root, "reset-cause"), module?.trip ? `It tripped: ${module.trip}.` : "The emergency stop is in force.")
    dialog.showModal()
  }
  byId(root, "plant-start").onclick = () => commands.plant("plant_start")
  byId(root, "reset-cancel").onclick = () => dialog.close()
  byId(root, "reset-confirm").onclick = () => {
    dialog.close()
    commands.plant("plant_reset")
  }
  return () => show(root)
}

/** @param {HTMLElement} root */
function show(root) {
  const state = stream.freshness() === "missing" ? null : stream.note?.module?.plc
  const down = state === "emergency_stop" || state === "tripped"
  byId(root, "emergency-reset").hidden = !down
  const clock = stream.note?.clock
  const start = byId(root, "plant-start", HTMLButtonElement)
  const runs = clock?.mode === "running" || clock?.mode === "paused"
  start.hidden = state !== "stopped" || !runs || Boolean(clock?.replay)
  start.disabled = !stream.clockLive()
  const button = byId(root, "emergency-stop", HTMLButtonElement)
  flag(button, "engaged", down ? "yes" : "no")
  const which = several() ? ` ${stream.hello?.module ?? ""}` : ""
  write(button, state === "emergency_stop" ? `STOPPED IN EMERGENCY${which}` : `EMERGENCY STOP${which}`)
  const all = byId(root, "emergency-stop-all", HTMLButtonElement)
  all.disabled = !stream.clockLive()
  button.disabled = all.disabled || stream.hello?.module === null
  button.hidden = Boolean(clock?.replay) // a recording cannot be stopped
  all.hidden = button.hidden || !several()
}
