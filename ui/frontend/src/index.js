// The bundle's components, by the names of their Python classes in ui/app.py, by which Panel looks them up.

import { render as renderDashboard } from "./pages/dashboard.js"
import { render as renderStatusLine } from "./pages/status_line.js"

export default {
  StatusLine: { render: renderStatusLine },
  Overview: { render: renderDashboard },
}
