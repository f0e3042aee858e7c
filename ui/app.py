"""The page: one bundled component for the status line and one for everything below it.

Panel makes the page and carries what is pressed. What the page draws does not go through Panel's documents but has a
stream of its own (see `page_stream`).
"""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakSet

import msgspec
import panel as pn
from panel.custom import JSComponent
from panel.io.resources import LOCAL_DIST
from panel_material_ui.template.base import Page

from bus.protocol.codec import FrameError
from bus.protocol.messages import EMERGENCY_STOP
from bus.security.tokens import Caller
from bus.transport.client import Commander
from ui.ended_sessions import EndedSessions
from ui.page_commands import PRESSED_LIMIT, URGENT_LIMIT, PressAnswer, perform, read_press
from ui.questions import QuestionAnswer, Questions

BUNDLE = Path(__file__).parent / "dist" / "dashboard.js"
TITLE = "Kinetic Power Plant"

# The palette of the page's own parts is in frontend/src/css/style.css; these are what Material UI needs to match it.
_THEME = {
    "light": {
        "palette": {
            "primary": {"main": "#2f6f96"},
            "background": {"default": "#e3e7eb", "paper": "#e3e7eb"},
            "text": {"primary": "#18212b", "secondary": "#44515f"},
        }
    },
    "dark": {
        "palette": {
            "primary": {"main": "#6fb3d9"},
            "background": {"default": "#11171d", "paper": "#11171d"},
            "text": {"primary": "#dce3ea", "secondary": "#9aa7b4"},
        }
    },
}

_BAR = {"boxShadow": "none", "backgroundImage": "none", "borderBottom": "1px solid"}
_SX = {
    "& .MuiToolbar-root": {
        "minHeight": "52px !important",
        "margin": "0 !important",
        "paddingLeft": "14px",
        "paddingRight": "10px",
    },
    # Both are empty here, and to a screen reader they would be parts of the page without a name.
    "& .MuiLinearProgress-root, & .MuiToolbar-root > .MuiTypography-h5": {"display": "none"},
    "&.mui-dark .header": {**_BAR, "backgroundColor": "#161d25", "color": "#dce3ea", "borderColor": "#27313c"},
    "&.mui-light .header": {**_BAR, "backgroundColor": "#eef1f4", "color": "#18212b", "borderColor": "#c9d1d9"},
}


class Bundled(JSComponent):
    """A component that the bundle draws.

    All components have this one base, and so the bundle has one address: a page loads it once. Loaded once for each
    component it would also exist twice, with two connections to the stream.
    """

    _bundle = BUNDLE


class StatusLine(Bundled):
    """Name of the plant, run mode, alarms and the health of the connection; reports the theme that the user prefers."""

    def __init__(self, prefer: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # of panel
        self._prefer = prefer

    def _handle_msg(self, data: object) -> None:
        if data in ("light", "dark"):
            self._prefer(str(data))


class Overview(Bundled):
    """All pages of the dashboard: its component draws whichever is chosen, and sends what is pressed on it."""

    def __init__(
        self, carry_out: Callable[[object, Callable[[PressAnswer | QuestionAnswer], None]], None], **params: Any
    ) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # of panel
        self._carry_out = carry_out

    def _handle_msg(self, data: object) -> None:
        self._carry_out(data, self._answer)

    def _answer(self, answer: PressAnswer | QuestionAnswer) -> None:
        self._send_msg(msgspec.to_builtins(answer))


@dataclass
class Sessions:
    """Builds a page for each session and carries out what is pressed on it. For one loop."""

    commander: Commander
    questions: Questions
    caller: Callable[[list[str]], Caller]
    """Who shows these Authorization headers, by the tokens of now."""
    documents: WeakSet[Any] = field(default_factory=WeakSet)
    """Documents that are still alive; once pages are closed, their number has to go back to what it was."""

    def __post_init__(self) -> None:
        self._ended = EndedSessions(self.documents)

    def page(self) -> Page:
        """The page of one session. Panel calls this in the context of that session."""
        document: Any = pn.state.curdoc
        self.documents.add(document)
        # Panel sets this when it makes the page's HTML. A page that loads slowly gets a new session without that step,
        # and would ask for its style sheets at a CDN: the dashboard must not depend on another host.
        document.template_variables.setdefault("dist_url", LOCAL_DIST)
        pn.state.on_session_destroyed(self._ended.note)
        origin = f"dashboard-{uuid.uuid4().hex[:4]}"
        tasks: set[asyncio.Task[None]] = set()
        shown = [str(value) for name, value in pn.state.headers.items() if name.lower() == "authorization"]

        def carry_out(data: object, answer: Callable[[PressAnswer | QuestionAnswer], None]) -> None:
            urgent = isinstance(data, dict) and data.get("name") == EMERGENCY_STOP
            if len(tasks) >= (URGENT_LIMIT if urgent else PRESSED_LIMIT):
                name = str(data.get("id", ""))[:64] if isinstance(data, dict) else ""
                reason = f"{PRESSED_LIMIT} commands of this page are under way: try again when one has been answered"
                answer(PressAnswer(name, "refused", None, reason))
                return
            # In a task, so that Panel's callback returns at once. The set keeps it alive: asyncio itself holds only a
            # weak reference to a task.
            # The caller is looked up with every press: a token may have been withdrawn since the page was opened.
            task = asyncio.get_running_loop().create_task(self._perform(data, origin, self.caller(shown), answer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def prefer(theme: str) -> None:
            page.dark_theme = theme == "dark"

        asked = pn.state.session_args.get("theme", [b""])[0]
        page = Page(  # type: ignore[no-untyped-call]  # of panel
            header=[StatusLine(prefer, sizing_mode="stretch_width", margin=0)],
            main=[Overview(carry_out, sizing_mode="stretch_width", margin=0)],
            dark_theme=asked != b"light",
            busy_indicator=None,
            theme_config=_THEME,
            sx=_SX,
        )
        _forget_busy(page)
        return page

    async def _perform(
        self, data: object, origin: str, caller: Caller, answer: Callable[[PressAnswer | QuestionAnswer], None]
    ) -> None:
        named = f"{origin}:{caller.name}" if caller.name else origin
        if isinstance(data, dict) and "ask" in data:
            answer(await self.questions.answer(data, caller, named))
            return
        try:
            told = await perform(self.commander, read_press(data), named, caller)
        except FrameError as error:
            told = PressAnswer("", "refused", None, str(error))
        answer(told)  # nothing happens if the page was closed meanwhile: its component has no view left to send to


def _forget_busy(page: Page) -> None:
    """Remove the page from the watchers of Panel's global busy state, which would keep every closed session alive."""
    for watcher in list(pn.state.param.watchers["busy"]["value"]):
        bound = getattr(getattr(watcher.fn, "__self__", None), "self_or_cls", None)
        if bound is page:
            pn.state.param.unwatch(watcher)
