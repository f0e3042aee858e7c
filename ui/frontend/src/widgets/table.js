// Tables: their heads, and rows that are made once and written over afterwards.

/** @typedef {string | { title: string, small?: string, hint?: string }} Column */

/**
 * A head of columns, each a title, or a title with what stands small beside it, or one with a hint to who points at it.
 * @param {Column[]} columns
 */
export const tableHead = (columns) => `<thead><tr>${columns.map(headCell).join("")}</tr></thead>`

/** @param {Column} column */
function headCell(column) {
  if (typeof column === "string") return `<th scope="col">${column}</th>`
  const { title, small, hint } = column
  return `<th scope="col"${hint ? ` title="${hint}"` : ""}>${title}${small ? `<small>${small}</small>` : ""}</th>`
}

/**
 * Makes a table body as many rows long as wanted, with that many cells in each.
 * @param {HTMLTableSectionElement} body
 * @param {number} rows
 * @param {number} cells
 */
export function resizeRows(body, rows, cells) {
  while (body.rows.length > rows) body.deleteRow(-1)
  while (body.rows.length < rows) {
    const row = body.insertRow()
    for (let cell = 0; cell < cells; cell++) row.insertCell()
  }
}
