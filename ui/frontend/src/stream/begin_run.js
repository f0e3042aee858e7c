// The machine as built cannot change in a run: another run begins with what is changed of it, from this moment of the
// present one (a fork) or from standstill.

import { fixedValue } from "../plant/parameters.js"
import { stream } from "./stream.js"

// What another run is made of; nobody can ask for one before it is known.
function present() {
  const { geometry, frame, hello } = stream
  if (!geometry || !frame || !hello) throw new Error("the parameters in force are not known yet")
  return {
    run: geometry.run,
    t: frame.t,
    inForce: geometry.parameters,
    declarations: hello.declarations,
    scenarios: hello.scenarios,
  }
}

/**
 * Both give the id of the clock's command that begins the other run.
 * @param {ui.Commands} commands
 * @param {Record<string, ui.Value>} parameters
 */
export async function fork(commands, parameters) {
  const { run, t } = present()
  const { seq } = await commands.ask("tick_at", { run, t })
  return (await commands.fork(run, Math.max(1, seq), parameters)).id
}

/**
 * Of a run that was forked the scenario is that moment: what begins at standstill takes one of the files instead.
 * @param {ui.Commands} commands
 * @param {Record<string, ui.Value>} parameters
 */
export function newRun(commands, parameters) {
  const { inForce, declarations, scenarios } = present()
  const scenario = stream.note?.clock?.scenario
  const fixedNames = new Set(declarations.filter(fixedValue).map(({ name }) => name))
  const own = Object.entries({ ...inForce, ...parameters }).filter(([name]) => !fixedNames.has(name))
  return commands.clock("reset", {
    scenario: scenario && scenarios.includes(scenario) ? scenario : scenarios[0],
    parameters: Object.fromEntries(own),
  })
}
