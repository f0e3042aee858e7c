// Overview: key figures, the moving picture of the plant, its trends, the energy balance and the alarms.

import { MIMIC, mimic } from "../plots/mimic.js"
import { STRIPS, strips } from "../plots/trends.js"
import { ALARM_CARD, alarmList } from "../widgets/alarm_list.js"
import { BALANCE, balance, VERDICT } from "../widgets/balance.js"
import { KEY_FIGURES, keyFigures } from "../widgets/key_figures.js"

export const HTML = `${VERDICT}${KEY_FIGURES}<div class="stage">${MIMIC}${STRIPS}</div><div class="bottom">${BALANCE}${ALARM_CARD}</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const picture = mimic(root)
  const plots = strips(root, commands)
  const rounds = [
    keyFigures(root),
    balance(root),
    () => plots.legend(),
    () => picture.label(),
    alarmList(root, "alarms", commands),
  ]
  const restyle = () => {
    picture.restyle()
    plots.restyle()
  }
  return {
    paint: (/** @type {number} */ now, /** @type {boolean} */ fresh) => picture.paint(now, fresh),
    draw: plots.draw,
    round: () => rounds.forEach((round) => round()),
    restyle,
    resize: restyle,
  }
}
