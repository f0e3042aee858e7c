// The machine as built cannot change in a run: another run begins with what is changed of it, from this moment of the
// present one (a fork) or from standstill.

import { stream } from "./stream.js"

const declared = () => new Map((stream.hello?.declarations ?? []).map((each) => [each.name, each]))

export const built = (names) => names.filter((name) => declared().get(name)?.kind === "built")
// What not even a fork can change: it fixes the floaters' places.
export const unforkable = (names) => names.filter((name) => declared().get(name)?.forkable === false)
export const fixed = ({ minimum, maximum }) => minimum !== null && minimum === maximum

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
  const own = Object.entries({ ...stream.geometry.parameters, ...parameters }).filter(([name]) => !fixed(declared().get(name)))
  return commands.clock("reset", { scenario: files.includes(present) ? present : files[0], parameters: Object.fromEntries(own) })
}
