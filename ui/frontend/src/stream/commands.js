// Commands to the plant and questions to the dashboard's server, each with its answer.

import { stream } from "./stream.js"

const ANSWER_AFTER = 10_000
const QUESTION_AFTER = 920_000

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("")

export class Commands {
  constructor(model) {
    this.model = model
    this.last = null
    this.questions = new Map()
    model.on("msg:custom", (answer) => this.answered(answer))
  }

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

  // To the plant module that the page shows.
  plant(name, args = {}) {
    return this.press(stream.hello.module, name, args)
  }

  clock(name, args = {}) {
    return this.press("clock", name, args)
  }

  ask(ask, args = {}) {
    const id = newId()
    return new Promise((resolve, reject) => {
      const fail = setTimeout(
        () => this.answered({ id, ok: false, reason: "the dashboard's server did not answer" }),
        QUESTION_AFTER,
      )
      this.questions.set(id, { resolve, reject, fail })
      this.model.send_msg({ id, ask, module: stream.hello.module, args })
    })
  }

  answered(answer) {
    const question = this.questions.get(answer.id)
    if (question) {
      this.questions.delete(answer.id)
      clearTimeout(question.fail)
      if (answer.ok) question.resolve(answer.data)
      else question.reject(new Error(answer.reason))
      return
    }
    const id = answer.id || this.last
    const known = stream.commands.get(id)
    // What the bus said stands; this one knows what never reached the bus.
    if (known && !["applied", "rejected"].includes(known.phase)) stream.commandNews({ ...known, ...answer, id })
  }
}
