import assert from "node:assert/strict"
import { test } from "node:test"

import { Latest } from "../src/stream/latest.js"

const later = () => {
  let settle
  const question = new Promise((resolve, reject) => (settle = { resolve, reject }))
  return { question, ...settle }
}

test("an answer counts if nothing was asked since", async () => {
  assert.equal(await new Latest().of(Promise.resolve(7)), 7)
})

test("the first of two answers counts for nothing, whichever comes first", async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const latest = new Latest()
    const asked = [later(), later()]
    const answers = asked.map(({ question }) => latest.of(question))
    for (const i of order) asked[i].resolve(`answer ${i}`)
    assert.deepEqual(await Promise.all(answers), [undefined, "answer 1"])
  }
})

test("an error counts only if its question does", async () => {
  const latest = new Latest()
  const asked = [later(), later()]
  const [first, second] = asked.map(({ question }) => latest.of(question))
  asked[0].reject(new Error("too late"))
  asked[1].reject(new Error("refused"))
  assert.equal(await first, undefined)
  await assert.rejects(second, /refused/)
})
