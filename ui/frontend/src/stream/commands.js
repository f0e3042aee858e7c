// Commands to the plant, and questions to the dashboard's server, each with its answer. Both go over the session's own
// connection, and not over the stream.

import { stream } from "./stream.js"

const ANSWER_AFTER = 10_000 // milliseconds after which a command counts as unanswered; the server itself gives up earlier
const QUESTION_AFTER = 920_000 // milliseconds; a comparison of hypotheses may take 900 s

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Why a question was not answered, from what was thrown.
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error))

/** @typedef {{ resolve: (data: unknown) => void, reject: (why: Error) => void, fail: number }} Question */

export class Commands {
  /** @param {ui.Model} model */
  constructor(model) {
    this.model = model
    this.last = ""
    /** @type {Map<string, Question>} */
    this.questions = new Map()
    model.on("msg:custom", (answer) => this.answered(answer))
  }

  /**
   * Sends a command and returns its id. What becomes of it is found in `stream.commands` under this id.
   * @param {string} module
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  press(module, name, args = {}) {
    const id = newId()
    this.last = id
    // Shown before anything is heard of it, so that the press is seen to have been taken.
    stream.commandNews({ id, module, name, args, phase: "sent", mine: true })
    this.model.send_msg({ id, module, name, args })
    setTimeout(() => {
      const command = stream.commands.get(id)
      if (command?.phase === "sent") {
        stream.commandNews({ ...command, phase: "unanswered", reason: "the dashboard's server did not answer" })
      }
    }, ANSWER_AFTER)
    return id
  }

  /**
   * A command to the plant module that the page shows.
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  plant(name, args = {}) {
    return this.press(stream.shownModule(), name, args)
  }

  /**
   * A command to the clock.
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  clock(name, args = {}) {
    return this.press("clock", name, args)
  }

  /**
   * Begins a run from a tick of another one; the answer comes once every module has begun the new run.
   * @param {string} run
   * @param {number} seq
   * @param {Record<string, unknown>} parameters
   */
  async fork(run, seq, parameters) {
    const id = newId()
    const begun = await this.ask("fork", { run, seq, parameters, id })
    // The command that ended the present run has come back over the bus with this id, and without a hint that it is ours.
    const command = stream.commands.get(id)
    if (command) stream.commandNews({ ...command, mine: true })
    return { ...begun, id }
  }

  /**
   * The server's answer to a question. The promise is rejected with the reason if there is none.
   * @template {keyof ui.Questions} Q
   * @param {Q} ask
   * @param {ui.Questions[Q]["args"]} args
   * @returns {Promise<ui.Questions[Q]["data"]>}
   */
  async ask(ask, args) {
    const id = newId()
    const module = stream.shownModule()
    return new Promise((resolve, reject) => {
      const fail = setTimeout(
        () => this.answered({ id, ok: false, reason: "the dashboard's server did not answer" }),
        QUESTION_AFTER,
      )
      this.questions.set(id, {
        resolve: (data) => resolve(/** @type {ui.Questions[Q]["data"]} */ (data)),
        reject,
        fail,
      })
      this.model.send_msg({ id, ask, module, args })
    })
  }

  /** @param {ui.Answer} answer */
  answered(answer) {
    const question = this.questions.get(answer.id)
    if (question) {
      this.questions.delete(answer.id)
      clearTimeout(question.fail)
      if (answer.ok) question.resolve(answer.data)
      else question.reject(new Error(answer.reason))
      return
    }
    // The server cannot tell the id of a message that it could not read: then the answer is about the newest command.
    const known = stream.commands.get(answer.id || this.last)
    if (!known) return
    // The answer and the news on the bus come over two connections, in either order. What the bus reports stands; the answer
    // matters for commands that never reached the bus.
    if (known.phase === "applied" || known.phase === "rejected") return
    const { phase = known.phase, t = known.t, reason } = answer
    stream.commandNews({ ...known, phase, t, reason })
  }
}
