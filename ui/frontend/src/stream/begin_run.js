// The machine as built cannot change in a run: another run begins with what is changed of it, from this moment of the
// present one (a fork) or from standstill.

import { fixedValue } from "../plant/parameters.js"
import { stream } from "./stream.js"

// Both give the id of the clock's command that begins the other run.
export async function fork(commands, parameters) {
  const { run } = stream.geometry
  const { seq } = await commands.ask("tick_at", { run, t: stream.frame.t })
  const { scenario } = await commands.ask("fork", { run, seq: Math.max(1, seq) })
  return commands.clock("reset", { scenario, parameters })
}

// Of a run that was forked the scenario is that moment: what begins at standstill takes one of the files instead.
export function newRun(commands, parameters) {
  const present = stream.note?.clock?.scenario
  const files = stream.hello.scenarios
  const fixedNames = new Set(stream.hello.declarations.filter(fixedValue).map(({ name }) => name))
  const own = Object.entries({ ...stream.geometry.parameters, ...parameters }).filter(([name]) => !fixedNames.has(name))
  return commands.clock("reset", {
    scenario: files.includes(present) ? present : files[0],
    parameters: Object.fromEntries(own),
  })
}
