// The page's elements by their test ids, and writing to them only what has changed.

export function mount(el, html, css) {
  const style = document.createElement("style")
  style.textContent = css
  const root = document.createElement("div")
  root.className = "kpp"
  root.innerHTML = html
  el.append(style, root)
  return root
}

export function byId(root, id) {
  return root.querySelector(`[data-testid="${id}"]`)
}

export function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

export function flag(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value
}
