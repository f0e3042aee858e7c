"""The page: one bundled component for the status line, one for the overview. Their data come past the documents."""

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
    # Both are empty, and without a name for those who hear the page instead of seeing it.
    "& .MuiLinearProgress-root, & .MuiToolbar-root > .MuiTypography-h5": {"display": "none"},
    "&.mui-dark .header": {**_BAR, "backgroundColor": "#161d25", "color": "#dce3ea", "borderColor": "#27313c"},
    "&.mui-light .header": {**_BAR, "backgroundColor": "#eef1f4", "color": "#18212b", "borderColor": "#c9d1d9"},
}


class Bundled(JSComponent):
    """What the bundle draws. Its parts have one base, and so one address of the bundle: a page loads it once, and all
    that is in it once, its connection to the stream too.
    """

    _bundle = BUNDLE


class StatusLine(Bundled):
    """Name of the plant, run mode, alarms and the connection's health, and what theme the user's system prefers."""

    def __init__(self, prefer: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)  # type: ignore[no-untyped-call]  # of panel
        self._prefer = prefer

    def _handle_msg(self, data: object) -> None:
        if data in ("light", "dark"):
            self._prefer(str(data))


class Overview(Bundled):
    """Controls, key numbers, the moving picture, plots and the energy balance."""

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
    """Builds a page for each session and carries out what is pressed on it."""

    commander: Commander
    questions: Questions
    caller: Callable[[list[str]], Caller]
    """Who it is that shows these Authorization headers, now."""
    documents: WeakSet[Any] = field(default_factory=WeakSet)
    """Documents that are still alive; it returns to where it was when pages are closed."""

    def __post_init__(self) -> None:
        self._ended = EndedSessions(self.documents)

    def page(self) -> Page:
        """The page of one session."""
        document: Any = pn.state.curdoc
        self.documents.add(document)
        # Panel sets this when it makes the page's HTML. A page that loads slowly gets a new session without that, and
        # its style sheets would be asked for at the CDN.
        document.template_variables.setdefault("dist_url", LOCAL_DIST)
        pn.state.on_session_destroyed(self._ended.note)
        origin = f"dashboard-{uuid.uuid4().hex[:4]}"
        tasks: set[asyncio.Task[None]] = set()
        shown = [str(value) for name, value in pn.state.headers.items() if name.lower() == "authorization"]

        def carry_out(data: object, answer: Callable[[PressAnswer | QuestionAnswer], None]) -> None:
            urgent = isinstance(data, dict) and data.get("name") == EMERGENCY_STOP
            if len(tasks) >= (URGENT_LIMIT if urgent else PRESSED_LIMIT):
                name = str(data.get("id", ""))[:64] if isinstance(data, dict) else ""
                refuse = PressAnswer(name, "refused", None, f"{PRESSED_LIMIT} commands of this page wait for an answer")
                answer(refuse)
                return
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
        answer(told)  # a page that was closed meanwhile has no view left to send to


def _forget_busy(page: Page) -> None:
    """Stop the global busy state from holding the page: it would keep every closed session alive."""
    for watcher in list(pn.state.param.watchers["busy"]["value"]):
        bound = getattr(getattr(watcher.fn, "__self__", None), "self_or_cls", None)
        if bound is page:
            pn.state.param.unwatch(watcher)
