// From when on the accounts of energy count: the start of the run, or of the run that it was forked from; a fork with another
// machine opens new ones.

import { stream } from "./stream.js"

export function since() {
  const origin = /^fork:(.+)@\d+$/.exec(stream.note?.clock?.scenario ?? "")?.[1]
  if (!origin) return "the start"
  return stream.value("ledger.rebuilt") ? "the fork, with another machine" : `the start of run ${origin}, which this one was forked from`
}
