// Questions of which only the last one's answer counts: a list that is opened twice, a choice that changes meanwhile.

export class Latest {
  #asked = 0

  /**
   * The answer to a question, or undefined if another one was asked meanwhile: whoever asks must then leave everything
   * as it is. An error of a question that no longer counts is none.
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
