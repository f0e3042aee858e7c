// The moment from which the accounts of energy count: the start of the run, or of the run that it was forked from. A fork with
// another machine opens new accounts, for what its stores held before was not paid by this machine. Pure.

const FORK = /^fork:(.+)@\d+$/

export const RUN_START = "the start"

/**
 * `scenario`: of the present run; `rebuilt`: energy that a rebuilt machine holds in addition; null or 0 if it was not rebuilt.
 * @param {string | undefined} scenario
 * @param {number | null} rebuilt
 */
export function accountingStart(scenario, rebuilt) {
  const origin = FORK.exec(scenario ?? "")?.[1]
  if (!origin) return RUN_START
  return rebuilt ? "the fork, with another machine" : `the start of run ${origin}, which this one was forked from`
}
