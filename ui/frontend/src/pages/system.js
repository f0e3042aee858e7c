// System: every node by its beats to the clock, how punctual ticks are, what was lost, and what happens to a late module.

import { duration, fileSize, fixed, MISSING } from "../format.js"
import { messageOf } from "../stream/commands.js"
import { stream } from "../stream/stream.js"
import { byId, flag, query, write } from "../widgets/dom.js"
import { resizeRows, tableHead } from "../widgets/table.js"
import { fact } from "../widgets/values.js"

const POLICIES = [
  ["hold", "wait for it"],
  ["catch_up", "wait, then catch up with the wall clock"],
  ["stop", "stop the run"],
]
const FACTS = [
  ["epoch", "Incarnation of the clock"],
  ["frames_sent", "Ticks sent"],
  ["deadlines_missed", "Deadlines missed"],
  ["fenced", "Dropped ticks of a replaced clock"],
  ["held", "Held by"],
  ["held_time", "Time held"],
  ["owed", "Simulated time to make up"],
  ["late", "Lateness p50 / p99 / worst"],
  ["realtime", "Real-time priority"],
  ["bus", "Messages heard"],
  ["states", "States heard"],
  ["lost", "Lost for good"],
  ["repaired", "Lost and repaired"],
  ["bad", "Bad frames here / at the clock"],
  ["problems", "Problems of the clock"],
]

const PEER_HEADS = [
  "Node",
  "Instance",
  "Process",
  { title: "Restarts", hint: "since supervisord started; a dash where nothing counts them" },
  { title: "Behind", small: "ticks" },
  { title: "Queue", small: "messages" },
  { title: "Gaps", small: "repaired" },
  "Last beat",
  "Status",
]
const DISPLAY = [fact("s-rate", "Frames per second"), fact("s-latency", "State to pixel p50 / p95")]
const RECORDER = [
  fact("s-recorder", "Status"),
  fact("s-runs", "Runs"),
  fact("s-quota", "Used of the quota"),
  fact("s-free", "Free on its disk"),
  fact("s-waiting", "Waiting to be written"),
]

export const HTML = `
<div class="columns system">
  <section class="card panel wide"><header><h2>Nodes <small>by their beats to the clock</small></h2></header>
    <div class="scroll flat" tabindex="0" aria-label="nodes"
      ><table class="rows" data-testid="peers">${tableHead(PEER_HEADS)}<tbody></tbody></table></div></section>
  <section class="card panel"><header><h2>Clock and bus</h2></header>
    <dl class="factlist">${FACTS.map(([id, label]) => fact(`s-${id}`, label)).join("")}</dl>
    <div class="until"><label for="kpp-policy">A late module</label><select id="kpp-policy" data-testid="policy"
      >${POLICIES.map(([value, label]) => `<option value="${value}">${label}</option>`).join("")}</select></div></section>
  <section class="card panel"><header>
      <h2>Tick lateness <small>worst of each 0.2 s in the last minute, by the clock's report</small></h2></header>
    <div class="histogram" data-testid="h-late"></div></section>
  <section class="card panel"><header><h2>Tick to dashboard <small>last 3000 ticks, on one machine only</small></h2></header>
    <div class="histogram" data-testid="h-travelled"></div></section>
  <section class="card panel"><header><h2>Display</h2></header><dl class="factlist">${DISPLAY.join("")}</dl></section>
  <section class="card panel"><header><h2>Recorder and disk</h2></header
    ><dl class="factlist">${RECORDER.join("")}</dl></section>
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const policy = byId(root, "policy", HTMLSelectElement)
  policy.onchange = () => commands.clock("set_policy", { policy: policy.value })
  let due = 0
  const askRecorder = async () => {
    try {
      const { runs, status, quota, used, free, more } = await commands.ask("runs", {})
      write(byId(root, "s-recorder"), status)
      write(byId(root, "s-runs"), `${runs.length}${more ? " and more" : ""}`)
      write(
        byId(root, "s-quota"),
        `${fileSize(used)} of ${fileSize(quota)} (${fixed((100 * used) / Math.max(1, quota), 1)} %)`,
      )
      write(byId(root, "s-free"), fileSize(free))
    } catch (error) {
      write(byId(root, "s-recorder"), messageOf(error))
      for (const id of ["s-runs", "s-quota", "s-free"]) write(byId(root, id), MISSING)
    }
  }
  return {
    shown: () => (due = 0), // whoever opens the page is not to wait for the next question
    round: () => {
      const now = performance.now()
      if (now > due) {
        due = now + 10_000 // milliseconds: the recorder reads the answer from disk
        askRecorder()
      }
      show(root, policy)
    },
  }
}

/**
 * @param {HTMLElement} root
 * @param {HTMLSelectElement} policy
 */
function show(root, policy) {
  const bus = stream.note?.bus
  const system = bus?.system
  const clock = stream.note?.clock
  const live = stream.clockLive()
  policy.disabled = !live || Boolean(clock?.replay)
  if (clock && root.querySelector(":focus") !== policy) policy.value = clock.policy // not while it is being chosen
  /**
   * @param {string} id
   * @param {string | null} text
   */
  const say = (id, text) => write(byId(root, `s-${id}`), text ?? MISSING)
  say("bus", bus && stream.connected ? `${bus.bus_rate} per second` : null)
  say("states", bus && stream.connected ? `${bus.state_rate} per second` : null)
  say("lost", bus ? String(bus.lost) : null)
  say("repaired", bus ? String(bus.repaired) : null)
  say("bad", system ? `${bus.bad_frames} / ${system.bad_frames}` : null)
  say("rate", fixed(stream.rate, 0))
  const sorted = stream.latency.toSorted((a, b) => a - b)
  /** @param {number} share */
  const at = (share) =>
    sorted.length
      ? `${fixed(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] * 1000, 0)}`
      : MISSING
  say("latency", `${at(0.5)} / ${at(0.95)} ms`)
  if (!system) return
  say("epoch", String(system.epoch))
  say("frames_sent", String(system.frames_sent))
  say("deadlines_missed", String(system.deadlines_missed))
  say("fenced", String(system.fenced))
  say("held", live && clock ? clock.held.join(", ") || "nobody" : null)
  say("held_time", duration(system.held_time))
  say("owed", duration(system.owed_time))
  say("late", live && system.lateness_ms ? `${system.lateness_ms.map((each) => fixed(each, 2)).join(" / ")} ms` : null)
  say("realtime", system.realtime_priority ? "yes" : "no")
  say("problems", system.problems.join("; ") || "none")
  flag(byId(root, "s-problems"), "abnormal", system.problems.length ? "yes" : "no")
  flag(byId(root, "s-lost"), "abnormal", bus.lost ? "yes" : "no")
  const recorder = system.peers.find(({ node }) => node === "recorder")
  say("waiting", live && recorder ? `${recorder.queue} messages` : null)
  peers(query(byId(root, "peers"), "tbody", HTMLTableSectionElement), system.peers, live)
  histogram(byId(root, "h-late"), bus.timing.edges_ms, bus.timing.late, "tick lateness")
  histogram(byId(root, "h-travelled"), bus.timing.edges_ms, bus.timing.travelled, "time from tick to dashboard")
}

/**
 * @param {HTMLTableSectionElement} body
 * @param {ui.Peer[]} list
 * @param {boolean} live
 */
function peers(body, list, live) {
  resizeRows(body, list.length, 9)
  list.forEach((peer, i) => {
    const row = body.rows[i]
    row.dataset.testid = `peer-${peer.node}`
    const texts = [
      peer.node,
      peer.instance,
      String(peer.pid),
      peer.restarts === null ? MISSING : String(peer.restarts),
      peer.behind === null ? MISSING : String(peer.behind),
      String(peer.queue),
      String(peer.gaps),
      live ? duration(peer.age) : MISSING,
      peer.status,
    ]
    texts.forEach((text, c) => write(row.cells[c], text))
    flag(row, "abnormal", live && peer.age > 1 ? "yes" : "no")
  })
}

/**
 * @param {HTMLElement} box
 * @param {number[]} edges
 * @param {number[]} counts
 * @param {string} name
 */
function histogram(box, edges, counts, name) {
  const key = counts.join(" ")
  if (box.dataset.key === key) return
  box.dataset.key = key
  const most = Math.max(1, ...counts)
  const labels = counts.map((_, i) => (i < edges.length ? `< ${edges[i]}` : `≥ ${edges.at(-1)}`))
  const bars = counts.map((count, i) => {
    const share = `${((100 * count) / most).toFixed(1)}%`
    return `<li><span>${labels[i]} ms</span><i style="width:${share}"></i><b>${count}</b></li>`
  })
  box.innerHTML = `<ol aria-label="${name} in milliseconds">${bars.join("")}</ol>`
}
