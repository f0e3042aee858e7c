// Material UI marks its page box as dark or light; the bundle's own parts follow.

function pageBox(element) {
  for (let node = element; node; node = node.getRootNode().host) {
    const box = node.closest(".mui-dark, .mui-light")
    if (box) return box
  }
  return null
}

export function followTheme(root, changed) {
  const box = pageBox(root)
  const apply = () => {
    const theme = box?.classList.contains("mui-light") ? "light" : "dark"
    if (root.dataset.theme === theme) return
    root.dataset.theme = theme
    // The watchdog's reload, and a link that is passed on, keep the theme.
    const address = new URL(location)
    if (address.searchParams.get("theme") !== theme && (theme === "light" || address.searchParams.has("theme"))) {
      address.searchParams.set("theme", theme)
      history.replaceState(null, "", address)
    }
    changed?.()
  }
  apply()
  if (box) new MutationObserver(apply).observe(box, { attributes: true, attributeFilter: ["class"] })
}

export function colours(root) {
  const style = getComputedStyle(root)
  return (name) => style.getPropertyValue(`--${name}`).trim()
}
