// Which plant module the page shows: the one that the address names (?module=m2), else the first. Another one is a page of its own.

import { stream } from "./stream.js"

const PARAMETER = "module"
export const EVERY_MODULE = "*"

export const asked = () => new URLSearchParams(location.search).get(PARAMETER)

/**
 * The same address, window and page for another module; the fragment is that of now.
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

// Why the page shows no module, empty when it does.
export function unknownModule() {
  const { modules, module } = stream.hello ?? { modules: [], module: "" }
  return module === null ? `There is no module ${JSON.stringify(asked())}: choose one of ${modules.join(", ")}.` : ""
}
