"""What the dashboard needs of Jupyter's server and Voilà that is not public: a login page, an address."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.login import LoginFormHandler


class OwnLoginPage(LoginFormHandler):
    """Jupyter's login with another page; in public only the templates of all pages can be replaced."""

    def show(self, message: dict[str, str] | None = None) -> None:
        """Write the page.

        Args:
            message: what was wrong with the token that was given before, if one was.
        """
        raise NotImplementedError

    def _render(self, message: dict[str, str] | None = None) -> None:
        self.show(message)


def add_address(application: Any, pattern: str, handler: type, arguments: dict[str, Any]) -> None:
    """Let Voilà answer one more address, before those that it has; it takes none from outside.

    Args:
        application: Voilà's, which has not started yet.
        pattern: of the address.
        handler: of Tornado.
        arguments: of the handler's ``initialize``.
    """
    own = application.init_handlers
    application.init_handlers = lambda: [(pattern, handler, arguments), *own()]
