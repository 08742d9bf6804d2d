"""
What MkDocs is told beyond mkdocs.yml: pages from outside `docs/`, a navigation that finds its pages, links that hold.

The same files are read in the repository and on the site.  So a link is written for the repository, to
`../ARCHITECTURE.md` or `../syncsvc/flow.py`; here it is turned into one to the page, or, for code, to `repo_url`;
without that it becomes the name of the file.  Run by MkDocs (`hooks:` in mkdocs.yml).
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
#: Pages that stand elsewhere in the repository, by their place there, which is also their place on the site.
ADOPTED = ("ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md", "deploy/README.md")
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the adopted pages, then writes the navigation for the pages that there are."""
    for name in ADOPTED:
        if (ROOT / name).exists() and files.get_file_from_path(name) is None:
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    pages = sorted(file.src_uri for file in files if file.is_documentation_page())
    if config.nav is not None:
        named = {entry for entry in _leaves(config.nav) if "*" not in entry}
        config.nav = _nav(config.nav, pages, named)
    return files


def _leaves(nav: Any) -> Iterator[str]:
    """Every entry of a navigation."""
    for entry in nav if isinstance(nav, list) else nav.values():
        if isinstance(entry, str):
            yield entry
        else:
            yield from _leaves(entry)


def _nav(nav: list[Any], pages: list[str], named: set[str]) -> list[Any]:
    """A navigation without what does not exist; stars stand for what is named nowhere, and empty groups go."""
    made: list[Any] = []
    for entry in nav:
        if isinstance(entry, dict):
            ((title, inner),) = entry.items()
            if found := _nav(inner, pages, named):
                made.append({title: found})
        elif "*" in entry:
            folder = posixpath.dirname(entry)
            found = [page for page in pages if fnmatch(page, entry) and posixpath.dirname(page) == folder]
            made += [page for page in found if page not in named]
        elif entry in pages:
            made.append(entry)
    return made


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as they are right on the site; blocks of code are left as they are."""
    source = page.file.src_uri
    home = posixpath.dirname(source if source in ADOPTED else f"docs/{source}")
    parts, at = [], 0
    for fence in _FENCE.finditer(markdown):
        parts += [_linked(markdown[at : fence.start()], home, source, config, files), fence[0]]
        at = fence.end()
    return "".join([*parts, _linked(markdown[at:], home, source, config, files)])


def _linked(text: str, home: str, source: str, config: MkDocsConfig, files: Files) -> str:
    def link(found: re.Match[str]) -> str:
        path, hash_, anchor = found["target"].partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return found[0]
        place = posixpath.normpath(posixpath.join(home, path))
        wanted = _on_site(place, files)
        if wanted is not None:
            relative = posixpath.relpath(wanted, posixpath.dirname(source) or ".")
            return f"{found['image']}[{found['text']}]({relative}{hash_}{anchor})"
        if not (ROOT / place).exists():
            return found[0]  # MkDocs says that it leads nowhere
        if config.repo_url:
            return f"[{found['text']}]({config.repo_url.rstrip('/')}/blob/main/{place}{hash_}{anchor})"
        name = found["text"].strip("`")
        return f"`{name}`" if name == place or name in place else f"{found['text']} (`{place}`)"

    return _LINK.sub(link, text)


def _on_site(place: str, files: Files) -> str | None:
    """Place on the site of a file of the repository; a folder is its first page."""
    names = [place.removeprefix("docs/")] if place.startswith("docs/") else [place] if place in ADOPTED else []
    if place == "README.md":
        return "index.md"
    for name in names:
        for wanted in (name, f"{name}/README.md", f"{name}/index.md"):
            if files.get_file_from_path(wanted) is not None:
                return wanted
    return None


def on_post_build(config: MkDocsConfig) -> None:
    """The map of the site is of no use without an address, and says when it was built: the build is reproducible."""
    if not config.site_url:
        for name in ("sitemap.xml", "sitemap.xml.gz"):
            Path(config.site_dir, name).unlink(missing_ok=True)
    os.utime(config.site_dir)
