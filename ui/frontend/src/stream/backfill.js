// A page that is opened, or a replay that has jumped, begins in the middle of a run. The recorder is asked once for the time
// before, so that a trend is complete from the moment at which it is first seen.

const BEFORE = 300 // seconds, the longest window
const BINS = 300
const TOGETHER = 20 // channels in one question: an answer of the recorder has 6000 values at most
const BEGUN = 0.2 // seconds; a page whose samples begin this early has heard all of the run
const AGAIN = 5000 // milliseconds until a recorder that did not answer is asked again

/**
 * The returned function is to be called a few times a second.
 * @param {ui.Stream} stream
 * @param {ui.Commands} commands
 */
export function backfill(stream, commands) {
  let done = ""
  let due = 0
  return async () => {
    const { series } = stream
    const run = stream.recordedRun()
    const key = `${run} ${series?.run}`
    if (!series?.length || !run || key === done || performance.now() < due) return
    if (series.heard < BEGUN) return void (done = key)
    due = Infinity // no further question before this one is answered
    const before = series.heard
    try {
      const paths = series.channels.map(({ path }) => path)
      const means = []
      /** @type {number[]} */
      let times = []
      for (let first = 0; first < paths.length; first += TOGETHER) {
        const channels = paths.slice(first, first + TOGETHER)
        const found = await commands.ask("history", {
          run,
          channels,
          start: Math.max(0, before - BEFORE),
          end: before,
          bins: BINS,
        })
        times = found.t
        means.push(...found.channels.map(({ mean }) => mean))
      }
      // Meanwhile another run may have begun, or the ring may have dropped its oldest samples: then this no longer fits.
      if (series.heard === before && `${stream.recordedRun()} ${series.run}` === key) {
        series.prepend(
          times,
          means.map((mean, i) =>
            mean.map((value) => (value === null ? NaN : value * series.channels[i].factor + series.channels[i].offset)),
          ),
        )
      }
      done = key
      due = 0
    } catch {
      due = performance.now() + AGAIN // nothing is reported: the plots show what is missing, and History says why
    }
  }
}
