// The bundle's components, by the names of their Python classes.

import { render as renderOverview } from "./overview.js"
import { render as renderStatus } from "./status.js"

export default {
  StatusLine: { render: renderStatus },
  Overview: { render: renderOverview },
}
