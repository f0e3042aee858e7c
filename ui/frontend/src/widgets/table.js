// Tables: their heads, and rows that are made once and overwritten afterwards, which is much cheaper than replacing them.

/** @typedef {string | { title: string, small?: string, hint?: string }} Column */

/**
 * The head of a table. A column is a title, or one with a small text beside it, or with a hint as its tooltip.
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
 * Gives a table body a number of rows, each with a number of cells; rows that are there already stay.
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
