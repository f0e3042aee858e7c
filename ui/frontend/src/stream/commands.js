// Commands to the plant and questions to the dashboard's server, each with its answer.

import { stream } from "./stream.js"

const ANSWER_AFTER = 10_000
const QUESTION_AFTER = 920_000

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Why a question was not answered.
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
   * @param {string} module
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  press(module, name, args = {}) {
    const id = newId()
    this.last = id
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
   * To the plant module that the page shows.
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  plant(name, args = {}) {
    return this.press(stream.shownModule(), name, args)
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  clock(name, args = {}) {
    return this.press("clock", name, args)
  }

  /**
   * Begins a run from a tick of another one; the answer comes once every module has begun it.
   * @param {string} run
   * @param {number} seq
   * @param {Record<string, unknown>} parameters
   */
  async fork(run, seq, parameters) {
    const id = newId()
    const begun = await this.ask("fork", { run, seq, parameters, id })
    // The bus has told of the command that ended the present run, under this id.
    const command = stream.commands.get(id)
    if (command) stream.commandNews({ ...command, mine: true })
    return { ...begun, id }
  }

  /**
   * What the server answers; an error with its reason if it does not.
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
    // A message that could not be read is answered without an id.
    const known = stream.commands.get(answer.id || this.last)
    if (!known) return
    // What the bus said stands; this one knows what never reached the bus.
    if (known.phase === "applied" || known.phase === "rejected") return
    const { phase = known.phase, t = known.t, reason } = answer
    stream.commandNews({ ...known, phase, t, reason })
  }
}
