"""What somebody sees who comes without the token: what this is, and where the token is found."""

from __future__ import annotations

import html

from tornado.escape import url_escape

from runner.dashboard.jupyter_seams import OwnLoginPage
from runner.wording import _, language

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{missing}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1f2328; }}
body {{ max-width: 640px; margin: 8vh auto; padding: 0 16px; }}
code {{ background: #f6f8fa; padding: 1px 4px; overflow-wrap: anywhere; }}
form {{ display: flex; flex-wrap: wrap; gap: 8px; margin: 20px 0; }} label {{ flex-basis: 100%; }}
input {{ flex: 1 1 240px; font: inherit; padding: 6px 8px; min-width: 0; }}
button {{ font: inherit; padding: 6px 16px; }}
.bad {{ color: #a40e26; font-weight: 600; }}
</style></head><body>
<h1>nic-etl</h1>
<p>{what}</p>
<p>{where}</p>
{complaint}<form method="post" action="{action}">{xsrf}
<label for="password">Token</label>
<input id="password" name="password" type="password" autocomplete="off" autofocus>
<button>{open}</button></form>
<p>{closed}</p>
</body></html>"""


class LoginPage(OwnLoginPage):
    """Jupyter's login with a page of our own, which asks nobody for anything."""

    def show(self, message: dict[str, str] | None = None) -> None:
        """Write the page."""
        wrong = html.escape(_("This is not the token of this dashboard."))
        complaint = f'<p class="bad">{wrong}</p>' if message else ""
        follow = url_escape(self.get_argument("next", default=self.base_url))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write(
            _PAGE.format(
                **_texts(),
                complaint=complaint,
                action=html.escape(f"{self.base_url}login?next={follow}"),
                xsrf=self.xsrf_form_html(),
            )
        )


def _texts() -> dict[str, str]:
    command, address = "<code>nic-etl dashboard</code>", "<code>http://127.0.0.1:…/?token=…</code>"
    texts = {
        "missing": _("nic-etl: the token is missing"),
        "what": _(
            "This is the dashboard of nic-etl, which keeps a Qdrant collection in step with approved "
            "documents: here runs are started and watched, documents that need attention are found, and "
            "questions are asked."
        ),
        "where": _(
            "It opens for whoever has its token. The token is the end of the address that {command} printed "
            "in the terminal where it was started: {address}. Open that address, or paste the token here."
        ),
        "open": _("Open the dashboard"),
        "closed": _(
            "Is that terminal closed? Then start the dashboard again: each start has a token of its own, and "
            "a run that goes on is not affected."
        ),
    }
    said = {name: html.escape(text) for name, text in texts.items()}
    said["where"] = said["where"].format(command=command, address=address)
    return said | {"language": language()}
