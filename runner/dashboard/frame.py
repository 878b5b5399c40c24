"""A whole page inside a widget: a run's report or an executed notebook, in which nothing can run."""

from __future__ import annotations

import html
import os
import re
from urllib.parse import quote

FILES_VARIABLE = "NIC_DASHBOARD_FILES"
"""Where the web server shows the files of the outputs folder, as a URL prefix; empty in other notebooks."""

# No script, no form, no access to this page. A link opens a page of its own, which is as free as any other:
# JupyterLab needs its scripts there, and the dashboard's server seals what it shows.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_LINK = re.compile(r"</?a\b[^>]*>")


def framed(page: str, folder: str, title: str) -> str:
    """Return HTML that shows a page in a frame.

    The page travels inside the frame, so that it is seen in whatever shows the notebook. Its links lead
    where a server shows the files that they name; elsewhere they are taken out.

    Args:
        page: HTML as a whole.
        folder: that its links start from, relative to the outputs folder.
        title: for those who cannot see the frame.
    """
    prefix = os.environ.get(FILES_VARIABLE, "")
    if prefix:
        page = f'<base href="{html.escape(prefix + quote(folder))}/" target="_blank">{page}'
    else:
        page = _LINK.sub("", page)
    return (
        f'<iframe class="nic-page" title="{html.escape(title)}" sandbox="{_SANDBOX}" '
        f'srcdoc="{html.escape(page)}"></iframe>'
    )
