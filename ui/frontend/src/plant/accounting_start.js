// From when on the accounts of energy count: the start of the run, or of the run that it was forked from; a fork with another
// machine opens new ones. Pure.

const FORK = /^fork:(.+)@\d+$/

export const RUN_START = "the start"

/**
 * `scenario`: of the present run; `rebuilt`: energy that a rebuilt machine holds more, null or 0 where it is the same one.
 * @param {string | undefined} scenario
 * @param {number | null} rebuilt
 */
export function accountingStart(scenario, rebuilt) {
  const origin = FORK.exec(scenario ?? "")?.[1]
  if (!origin) return RUN_START
  return rebuilt ? "the fork, with another machine" : `the start of run ${origin}, which this one was forked from`
}
