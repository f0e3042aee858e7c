// Material UI marks the box around the page as dark or light, and the bundle's own parts follow that. The user's system
// chooses the theme, unless the address names one.

const TELL_EVERY = 300
const light = matchMedia("(prefers-color-scheme: light)")
const system = () => (light.matches ? "light" : "dark")
const asked = () => new URLSearchParams(location.search).get("theme")

/**
 * The box around the page, which may be several shadow trees further out.
 * @param {Element} element
 */
function pageBox(element) {
  /** @type {Element | null} */
  let node = element
  while (node) {
    const box = node.closest(".mui-dark, .mui-light")
    if (box) return box
    const root = node.getRootNode()
    node = root instanceof ShadowRoot ? root.host : null
  }
  return null
}

/**
 * Tells the server, which makes the box, what the system prefers: again and again until the box is like that, since a message
 * is lost while the session's connection is being made.
 * @param {HTMLElement} root
 * @param {ui.Model} model
 */
export function tellSystem(root, model) {
  setInterval(() => {
    if (!asked() && root.dataset.theme !== system()) model.send_msg(system()) // an address that names a theme wins
  }, TELL_EVERY)
}

/**
 * @param {HTMLElement} root
 * @param {() => void} [changed]
 */
export function followTheme(root, changed) {
  const box = pageBox(root)
  let met = Boolean(asked()) // the box is dark at first: only what comes after that can have been chosen by the user
  const apply = () => {
    const theme = box?.classList.contains("mui-light") ? "light" : "dark"
    if (root.dataset.theme === theme) return
    root.dataset.theme = theme
    met ||= theme === system()
    if (met) keep(theme)
    changed?.()
  }
  apply()
  if (box) new MutationObserver(apply).observe(box, { attributes: true, attributeFilter: ["class"] })
}

/**
 * Puts a chosen theme into the address, so that a reload, or a link that is passed on, keeps it.
 * @param {string} theme
 */
function keep(theme) {
  if (theme === (asked() ?? system())) return
  const address = new URL(location.href)
  address.searchParams.set("theme", theme)
  history.replaceState(null, "", address)
}

/** @param {HTMLElement} root */
export function colours(root) {
  const style = getComputedStyle(root)
  return (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim()
}
