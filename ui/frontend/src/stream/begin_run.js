// The machine as built cannot change during a run. So a change of it begins another run: from this moment of the present one,
// as a fork, or from standstill.

import { fixedValue } from "../plant/parameters.js"
import { stream } from "./stream.js"

// What another run is made from. Throws while that is not known: nothing can be asked for then.
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
 * Forks the present run with other parameters. The promise gives the id of the clock's command that begins the other run.
 * @param {ui.Commands} commands
 * @param {Record<string, ui.Value>} parameters
 */
export async function fork(commands, parameters) {
  const { run, t } = present()
  const { seq } = await commands.ask("tick_at", { run, t })
  return (await commands.fork(run, Math.max(1, seq), parameters)).id
}

/**
 * Begins a run from standstill with other parameters, and gives the id of the clock's command. The scenario of a fork is the
 * checkpoint that it began from, which is no standstill: then the first of the scenarios is taken instead.
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
