"""The page: what stands in the file."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from charimg.contracts import Trouble
from charimg.gallery.cards import Card
from charimg.gallery.page import link_to, longest_side, write_page
from charimg.model import Cost, MediaReference, Verdict

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
HOSTILE = "</h2><script>alert(1)</script> & \"quoted\" 'single' $title ${x}"


class Reader(HTMLParser):
    """What a browser makes of a page: its elements, their attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(*cards: Card, title: str = "The court", folder: Path = Path("/cast")) -> str:
    out = io.BytesIO()
    write_page(out, cards, title=title, folder=folder, now=NOW)
    return out.getvalue().decode("utf-8")


def saved(folder: Path, name: str, size: tuple[int, int] = (90, 160), colour: str = "teal") -> Path:
    path = folder / name
    Image.new("RGB", size, colour).save(path)
    return path


def test_the_policy_allows_the_embedded_style_and_script_and_nothing_else() -> None:
    """The policy's hashes are those of what stands in the page."""
    text = page()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1])  # type: ignore[index]
    marks = [
        "'sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() + "'"
        for part in re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", text, re.DOTALL)
    ]

    assert policy == (
        f"default-src 'none'; img-src data:; style-src {marks[0]}; script-src {marks[1]};"
        " base-uri 'none'; form-action 'none'"
    )


def test_nothing_is_fetched_from_outside(tmp_path: Path) -> None:
    """Every address in the page is embedded data or a relative link to a picture."""
    card = Card("ana", "Ana", "done", picture=saved(tmp_path, "ana.png"), path="ana.png")
    addresses = [
        value
        for name, value in Reader(page(card, folder=tmp_path)).attributes
        if name in {"src", "href", "srcset", "action", "poster"}
    ]

    assert {address.split("/")[0].split(":")[0] for address in addresses} == {"data", "."}


def test_a_character_stands_in_the_page_without_its_script(tmp_path: Path) -> None:
    """Name, words, prompt, id, maker, seed, cost and tags are plain text of the document."""
    card = Card(
        "ana",
        "Ana",
        "done",
        description="a tall queen",
        tags=("court",),
        prompt="a tall queen, ink",
        picture=saved(tmp_path, "ana.png"),
        path="ana.png",
        media=MediaReference("id-1"),
        provider="whisk",
        model="GEM_PIX",
        seed=7,
        spent=(Cost(0.04),),
    )
    texts = Reader(page(card, folder=tmp_path)).texts
    wanted = [
        "Ana",
        "a tall queen",
        "court",
        "a tall queen, ink",
        "id-1",
        "whisk · GEM_PIX",
        "7",
        "about 0.04 USD",
        "ana.png",
    ]

    assert [text for text in wanted if text not in texts] == []


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_no_words_become_markup(words: str) -> None:
    """Whatever a roster says, the page has the elements it would have for plain words, and shows the words."""
    plain = Reader(page(Card("k", "Ana", "failed", description="a", prompt="b"), title="t"))
    found = Reader(page(Card("k", words, "failed", description=words, prompt=words), title=words))

    assert found.tags == plain.tags
    assert found.texts.count(words) >= 5


def test_hostile_words_of_every_source_are_only_shown() -> None:
    """Names, tags, ids, a server's words and models cannot break out of their place."""
    card = Card(
        "k",
        HOSTILE,
        "failed",
        tags=(HOSTILE,),
        media=MediaReference(HOSTILE),
        provider=HOSTILE,
        model=HOSTILE,
        trouble=Trouble(Verdict.FLAKY, HOSTILE, "generate"),
    )
    found = Reader(page(card))

    assert found.tags.count("script") == 1
    assert [name for name, _ in found.attributes if name.startswith("on") or name == "style"] == []


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (Card("k", "Ana", "pending"), "not yet made"),
        (Card("k", "Ana", "rejected", trouble=Trouble(Verdict.REJECTED, "no hats", "generate")), "no hats"),
        (Card("k", "Ana", "missing", path="pictures/ana.png"), "the file of the picture is gone"),
        (Card("k", "Ana", "open"), "a run was interrupted here"),
    ],
)
def test_who_has_no_picture_gets_a_card_with_the_reason(card: Card, said: str) -> None:
    """A placeholder shows the first letter and says why there is no picture."""
    texts = Reader(page(card)).texts

    assert ("A" in texts, any(text.startswith(said) for text in texts)) == (True, True)


def test_a_damaged_picture_is_a_card_that_says_so(tmp_path: Path) -> None:
    """A file that is no picture any more does not stop the page."""
    (tmp_path / "ana.png").write_bytes(b"\x89PNG broken")
    texts = Reader(page(Card("k", "Ana", "done", picture=tmp_path / "ana.png", path="ana.png"), folder=tmp_path)).texts

    assert "ana.png is damaged or no picture any more" in texts


def test_an_expired_id_is_marked() -> None:
    """An id that the service has forgotten by now says so."""
    marked = [
        "expired" in Reader(page(Card("k", "Ana", "done", media=MediaReference("i", expires_at=NOW + shift)))).texts
        for shift in (timedelta(hours=-1), timedelta(hours=1))
    ]

    assert marked == [True, False]


def test_pictures_are_embedded_small(tmp_path: Path) -> None:
    """A large picture is scaled to what a screen shows; its shape is kept."""
    text = page(Card("k", "Ana", "done", picture=saved(tmp_path, "ana.png", (1800, 3200))), folder=tmp_path)
    data = base64.b64decode(re.search(r"data:image/webp;base64,([^\"]+)", text)[1])  # type: ignore[index]

    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (648, 1152)


def test_large_casts_get_smaller_pictures() -> None:
    """The file's size stays bearable for hundreds of characters."""
    assert [longest_side(count) for count in (1, 60, 61, 200, 201, 500)] == [1152, 1152, 832, 832, 576, 576]


def test_states_can_be_filtered_where_there_are_several() -> None:
    """A cast that is all done needs no filter by state."""
    chips = [
        page(*(Card(str(number), "A", state) for number, state in enumerate(states))).count('class="chip"')
        for states in (("done", "done"), ("done", "failed", "done"))
    ]

    assert chips == [0, 3]


@pytest.mark.parametrize(
    ("picture", "folder", "link"),
    [
        ("/cast/pictures/ana.png", "/cast", "./pictures/ana.png"),
        ("/cast/pictures/ana.png", "/cast/shown", "../pictures/ana.png"),
        ("/cast/a b#c?.png", "/cast", "./a%20b%23c%3F.png"),
        ("/cast/javascript:x.png", "/cast", "./javascript%3Ax.png"),
        ("/cast/গোপাল.png", "/cast", "./%E0%A6%97%E0%A7%8B%E0%A6%AA%E0%A6%BE%E0%A6%B2.png"),
    ],
)
def test_links_lead_to_the_original_files(picture: str, folder: str, link: str) -> None:
    """They are relative, so the folder can be moved, and safe for every file name."""
    assert link_to(Path(picture), Path(folder)) == link


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_are_readable(scheme: int) -> None:
    """Every pair of text and ground has a contrast of 4.5 to 1 (WCAG 2 AA), in both schemes."""
    colours = {
        name: pair[scheme] for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", page())
    }
    pairs = [(text, ground) for text in ("ink", "soft", "accent", "bad") for ground in ("ground", "paper")]
    pairs += [("on-accent", "accent"), ("bad", "bad-ground"), ("wait", "wait-ground")]
    weak = []
    for text, ground in pairs:
        lighter, darker = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        if (lighter + 0.05) / (darker + 0.05) < 4.5:
            weak.append((text, ground))

    assert weak == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_browser_runs_the_script_under_the_policy(tmp_path: Path) -> None:
    """From disk, in a real browser, the script is allowed, and the tools that need it come up."""
    file = tmp_path / "gallery.html"
    file.write_text(page(Card("a", "Ana", "done"), Card("b", HOSTILE, "failed")), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'user'}"]
    done = subprocess.run(
        ["chromium", *flags, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )

    assert '<html lang="en" class="js">' in done.stdout
