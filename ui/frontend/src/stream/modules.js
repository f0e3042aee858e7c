// Which plant module the page shows: the one that its address names (?module=m2), or else the first. Another module is another
// address, so that the page of each can be bookmarked and several can be open side by side.

import { stream } from "./stream.js"

const PARAMETER = "module"
export const EVERY_MODULE = "*"

export const asked = () => new URLSearchParams(location.search).get(PARAMETER)

/**
 * The address of another module, with the page and the window that are open now.
 * @param {string} module
 * @param {string} [base]
 */
export function addressOf(module, base = location.href) {
  const address = new URL(base)
  address.searchParams.set(PARAMETER, module)
  if (base === location.href) address.hash = location.hash
  return address.href
}

export const several = () => (stream.hello?.modules.length ?? 0) > 1

/**
 * What the recorder has of the shown module in a run.
 * @param {bus.RecordedRun | undefined} run
 */
export const recordedOf = (run) => run?.modules.find(({ module }) => module === stream.hello?.module)

// Why the page shows no module; empty if it shows one.
export function unknownModule() {
  const { modules, module } = stream.hello ?? { modules: [], module: "" }
  return module === null ? `There is no module ${JSON.stringify(asked())}: choose one of ${modules.join(", ")}.` : ""
}
