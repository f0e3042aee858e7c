// The page's elements by their test ids. Writing touches an element only if something has changed: each write that a browser
// sees, even of the same text, makes it lay out the page again, and loses a selection.

/**
 * Puts a component's HTML and style sheet into the element that Panel gives it, which is in a shadow tree of its own.
 * @param {HTMLElement} el
 * @param {string} html
 * @param {string} css
 */
export function mount(el, html, css) {
  const style = document.createElement("style")
  style.textContent = css
  const root = document.createElement("div")
  root.className = "kpp"
  root.innerHTML = html
  el.append(style, root)
  return root
}

/**
 * The element that a selector names. Throws if the page has none of that kind, which is a defect of the page.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function query(root, selector, kind) {
  const element = root.querySelector(selector)
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`the page has no ${selector}`)
  return /** @type {T} */ (element)
}

/**
 * The same by its test id.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export const byId = (root, id, kind) => query(root, `[data-testid="${id}"]`, kind)

/**
 * All elements that a selector names.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [kind]
 * @returns {T[]}
 */
export function queryAll(root, selector, kind) {
  const found = [...root.querySelectorAll(selector)]
  const strange = found.find((element) => !(element instanceof (kind ?? HTMLElement)))
  if (strange) throw new Error(`the page has a ${strange.tagName} as ${selector}`)
  return /** @type {T[]} */ (found)
}

/**
 * The element that has the focus in the tree that an element is in, which may be a shadow tree of its own.
 * @param {Element} element
 */
export function focused(element) {
  const root = element.getRootNode()
  return root instanceof ShadowRoot || root instanceof Document ? root.activeElement : null
}

/**
 * Sets an element's text.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/**
 * Sets a data attribute, by which the style sheets draw an element.
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string} value
 */
export function flag(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value
}
