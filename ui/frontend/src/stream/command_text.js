// What was commanded, and what became of it, in words for the page. Pure.

import { moment } from "../format.js"

/**
 * What a command asks for.
 * @param {ui.Command} command
 */
export function describe({ module, name, args }) {
  if (name === "set_speed") return args.flat_out ? "Speed: as fast as possible" : `Speed ${args.speed} ×`
  if (name === "reset" && module === "clock") return `New run of ${args.scenario ?? "the same scenario"}`
  if (name === "seek") return `Go to ${moment(Number(args.t))} of the recording`
  if (name === "step") return `Step ${args.ticks} tick${args.ticks === 1 ? "" : "s"}`
  if (name === "set_policy") return `Late modules: ${args.policy}`
  if (name === "plant_reset") return "Reset trip"
  if (module === "*") return `${name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ")}, all modules`
  if (name === "acknowledge") return `Acknowledge ${args.alarm}`
  if (name === "set_parameters") {
    const pairs = Object.entries(args).map(([key, value]) => `${key} = ${value}`)
    return pairs.length > 3
      ? `Set ${pairs.slice(0, 3).join(", ")} and ${pairs.length - 3} more`
      : `Set ${pairs.join(", ")}`
  }
  return name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ")
}

/**
 * What became of a command.
 * @param {ui.Command} command
 */
export function outcome({ phase, t, seq, reason }) {
  const at = `at ${moment(t)}`
  if (phase === "sent") return "sent …"
  if (phase === "sequenced") return `sequenced at tick ${seq} …`
  if (phase === "applied") return `applied ${at}`
  if (phase === "rejected") return `rejected ${at}: ${reason}`
  if (phase === "refused") return `refused: ${reason}`
  return `not answered: ${reason}`
}
