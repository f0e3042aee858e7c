// Plots as files: canvases with their titles and legends on one sheet, in the colours of the page.

import { colours } from "../widgets/theme.js"
import { penOf } from "./canvas.js"

/** @typedef {{ label: string, colour: string }} LegendLine */
/** @typedef {{ canvas: HTMLCanvasElement, title: string, lines: LegendLine[] }} Picture */

const HEAD = 26
const CAPTION = 36

/**
 * One sheet with some pictures, in two columns if there are several. It is drawn in pixels of the screen, as the canvases are.
 * @param {HTMLElement} root
 * @param {string} title
 * @param {Picture[]} pictures
 */
export function sheet(root, title, pictures) {
  const scale = devicePixelRatio
  const colour = colours(root)
  const columns = pictures.length > 1 ? 2 : 1
  const width = Math.max(...pictures.map(({ canvas }) => canvas.width))
  const height = Math.max(...pictures.map(({ canvas }) => canvas.height)) + CAPTION * scale
  const page = document.createElement("canvas")
  page.width = columns * width
  page.height = HEAD * scale + Math.ceil(pictures.length / columns) * height
  const pen = penOf(page)
  /**
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {number} size
   * @param {string} name
   */
  const write = (text, x, y, size, name) => {
    pen.font = `${size * scale}px Roboto, sans-serif`
    pen.fillStyle = colour(name)
    pen.fillText(text, x, y)
    return pen.measureText(text).width
  }
  pen.fillStyle = colour("panel")
  pen.fillRect(0, 0, page.width, page.height)
  write(title, 10 * scale, 18 * scale, 13, "text")
  pictures.forEach(({ canvas, title: name, lines }, i) => {
    const left = (i % columns) * width
    const top = HEAD * scale + Math.floor(i / columns) * height
    if (name) write(name, left + 10 * scale, top + 13 * scale, 12, "text")
    let x = left + 10 * scale
    for (const line of lines) {
      pen.fillStyle = colour(line.colour)
      pen.fillRect(x, top + 24 * scale, 12 * scale, 3 * scale)
      x += write(line.label, x + 17 * scale, top + 29 * scale, 11, line.colour) + 36 * scale
    }
    pen.drawImage(canvas, left, top + CAPTION * scale)
  })
  return page
}

/**
 * Has the browser save a file.
 * @param {string} name
 * @param {Blob} blob
 */
export function save(name, blob) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000) // the browser reads it after the click; nothing says when it has
}

/**
 * @param {string} name
 * @param {HTMLCanvasElement} canvas
 */
export function saveImage(name, canvas) {
  canvas.toBlob((blob) => blob && save(name, blob), "image/png")
}
