// Material UI marks its page box as dark or light; the bundle's own parts follow. The user's system chooses, and what stands
// in the address overrides it.

const TELL_EVERY = 300
const light = matchMedia("(prefers-color-scheme: light)")
const system = () => (light.matches ? "light" : "dark")
const asked = () => new URLSearchParams(location.search).get("theme")

/** @param {Element} element */
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
 * The server makes the page box: it is told until the box is what the system prefers, and again when that changes.
 * @param {HTMLElement} root
 * @param {ui.Model} model
 */
export function tellSystem(root, model) {
  setInterval(() => {
    if (!asked() && root.dataset.theme !== system()) model.send_msg(system())
  }, TELL_EVERY)
}

/**
 * @param {HTMLElement} root
 * @param {() => void} [changed]
 */
export function followTheme(root, changed) {
  const box = pageBox(root)
  let met = Boolean(asked()) // the box begins dark, and becomes what the system prefers
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
 * The watchdog's reload, and a link that is passed on, keep a theme that was chosen.
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
