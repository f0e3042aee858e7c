// Questions of which only the last one's answer counts: answers may come in another order than they were asked for, as when a
// list is opened twice or a choice changes meanwhile.

export class Latest {
  #asked = 0

  /**
   * The answer to a question, or undefined if another one was asked meanwhile; the caller then has to leave everything as it
   * is. An error of a question that no longer counts is dropped.
   * @template T
   * @param {Promise<T>} question
   * @returns {Promise<T | undefined>}
   */
  async of(question) {
    const mine = ++this.#asked
    try {
      const answer = await question
      return mine === this.#asked ? answer : undefined
    } catch (error) {
      if (mine === this.#asked) throw error
      return undefined
    }
  }
}
