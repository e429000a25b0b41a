"""Finding and loading providers: lazily, by name, and unharmed by whatever is broken elsewhere."""

from __future__ import annotations

import configparser
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from charimg.contracts import ImageGenerator, Store, Uploader
from charimg.errors import PluginError
from charimg.model import ImageFacts, ImageRequest, SavedImage
from charimg.packages import PACKAGES
from charimg.plugins import PLUGIN_GROUP, Kind, Plugins

GOOD = """
import charimg

class Sketch(charimg.ImageGenerator):
    declaration = charimg.Declaration(name="{name}", summary="Draws.")
    async def generate(self, request):
        return charimg.GeneratedImage(data=b"")

@charimg.hookimpl
def register_generators(register):
    register(Sketch)
"""


class Site:
    """A folder of installed distributions, as pip would leave it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def module(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(text, encoding="utf-8")
        self.modules.append(name)

    def install(
        self, dist: str, points: str, *, version: str = "1.0", metadata: str | None = None, folder: Path | None = None
    ) -> None:
        info = (folder or self.folder) / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        if metadata is None:
            metadata = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n"
        if metadata:
            (info / "METADATA").write_text(metadata, encoding="utf-8")
        (info / "entry_points.txt").write_text(points, encoding="utf-8")

    def generator(self, name: str, text: str = GOOD, dist: str = "") -> None:
        """One distribution with one generator, in a module of its own."""
        module = f"site_{name}"
        self.module(module, text.replace("{name}", name))
        self.install(dist or f"charimg-{name}", f"[charimg.generators]\n{name} = {module}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Site(tmp_path)
    yield made
    for name in made.modules:
        sys.modules.pop(name, None)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def names(*found: EntryPoint) -> list[str]:
    return Plugins(found).names(Kind.GENERATOR)


# -- finding --------------------------------------------------------------------------------------------------------


def test_core_and_plugins_are_found() -> None:
    """Every provider of this environment is listed under its kind, in alphabetical order."""
    plugins = Plugins()

    assert {"echo"} <= set(plugins.names(Kind.GENERATOR))
    assert plugins.names(Kind.UPLOADER) == sorted(plugins.names(Kind.UPLOADER))
    assert [plugins.load(kind, name).declaration.name for kind, name in
            ((Kind.GENERATOR, "echo"), (Kind.UPLOADER, "folder"), (Kind.STORE, "sqlite"))] == [
        "echo", "folder", "sqlite"]  # fmt: skip


def test_listing_names_imports_nothing() -> None:
    """The names are read from metadata: no provider, no contract and no pluggy is loaded for them."""
    code = (
        "import sys; from charimg.plugins import Kind, Plugins; "
        "[Plugins().names(kind) for kind in Kind]; "
        "heavy = ('charimg.providers', 'charimg.contracts', 'charimg_', 'pluggy'); "
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_loading_one_imports_no_other(site: Site) -> None:
    """A run imports the plugins it names; a broken neighbour is not even looked at."""
    site.generator("good")
    site.generator("broken", "raise RuntimeError('never')")

    provider = Plugins().load(Kind.GENERATOR, "good")

    assert provider.declaration.name == "good"
    assert "site_broken" not in sys.modules


def test_same_distribution_seen_twice_is_one_claim(site: Site) -> None:
    """An editable install beside its folder on the path, spelled another way, is no quarrel; the first one counts."""

    class Dist:
        def __init__(self, name: str, version: str) -> None:
            self.name, self.version = name, version

    def point(dist: Dist) -> EntryPoint:
        return EntryPoint("good", "site_good", "charimg.generators")._for(dist)  # type: ignore[attr-defined, no-any-return]

    twice = [point(Dist("charimg-good", "2")), point(Dist("charimg_Good", "1"))]
    site.module("site_good", GOOD.replace("{name}", "good"))

    claims = Plugins(twice).claims(Kind.GENERATOR)["good"]

    assert [claim.source for claim in claims] == ["charimg-good 2"]
    assert Plugins(twice).load(Kind.GENERATOR, "good")


def test_two_claimants_are_both_named(site: Site) -> None:
    """Nobody wins silently: the error names both distributions and the command that settles it."""
    site.generator("good")
    site.module("site_other", GOOD.replace("{name}", "good"))
    site.install("charimg-other", "[charimg.generators]\ngood = site_other\n")

    with pytest.raises(
        PluginError, match=r"both claim the generator 'good'; uninstall one: charimg uninstall charimg-"
    ) as caught:
        Plugins().load(Kind.GENERATOR, "good")

    assert "charimg-good 1.0" in str(caught.value)
    assert "charimg-other 1.0" in str(caught.value)
    assert "site_good" not in sys.modules


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("ehco", "did you mean 'echo'?"),
        ("quillwork", "charimg knows no package that has it; if you know one: charimg install PACKAGE"),
    ],
)
def test_unknown_name_gets_a_hint(asked: str, hint: str) -> None:
    """A typing mistake gets the likely name; anything else where to look, and what is there."""
    with pytest.raises(PluginError, match=f"there is no generator '{asked}'") as caught:
        Plugins().load(Kind.GENERATOR, asked)

    assert hint in str(caught.value)
    assert "installed: " in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("gemini", "it is in the package charimg-gemini: charimg install gemini"),
        ("replicate", "it is in the package charimg-hosted: charimg install replicate"),
        ("comfy-ui", "did you mean 'comfyui'? It is in the package charimg-comfyui: charimg install comfyui"),
    ],
)
def test_a_provider_of_a_known_package_names_it(asked: str, hint: str) -> None:
    """Who asks for a provider that is not installed is told which package has it and how to get it."""
    with pytest.raises(PluginError, match=f"there is no generator '{asked}'") as caught:
        Plugins([]).load(Kind.GENERATOR, asked)

    assert hint in str(caught.value)


def test_every_plugin_of_this_house_has_its_package_named() -> None:
    """A provider that is added under plugins/ is one that ``charimg install`` knows."""
    folder = Path(__file__).resolve().parent.parent / "plugins"
    found = {}
    for file in folder.glob("*/setup.cfg"):
        config = configparser.ConfigParser()
        config.read(file, encoding="utf-8")
        for kind in Kind:
            for line in config.get("options.entry_points", kind.group, fallback="").split("\n"):
                if line.strip():
                    found[line.partition("=")[0].strip()] = config["metadata"]["name"]

    assert found
    assert {name: PACKAGES.get(name) for name in found} == found


def test_torn_metadata_of_one_package_hides_no_other(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A list of entry points that cannot be read costs its own package only, and a line that names it."""
    site.generator("good")
    site.install("charimg-torn", "[charimg.generators]\nthis line is torn\n")

    assert {"good", "echo"} <= set(Plugins().names(Kind.GENERATOR))
    assert Plugins().load(Kind.GENERATOR, "good")
    assert capsys.readouterr().err.count("the list of plugins of charimg-torn cannot be read") == 1


def test_package_left_half_uninstalled_is_told(site: Site) -> None:
    """Entry points without metadata, as a broken-off uninstall leaves them, are an error of that plugin alone."""
    site.install("charimg-ghost", "[charimg.generators]\nghost = site_ghost_that_is_gone\n", metadata="")

    assert "ghost" in Plugins().names(Kind.GENERATOR)
    with pytest.raises(PluginError, match=r"'ghost' of .* is broken: it raised ModuleNotFoundError"):
        Plugins().load(Kind.GENERATOR, "ghost")


# -- loading what is broken ------------------------------------------------------------------------------------------

BROKEN = {
    "syntax": ("def (:", "it raised SyntaxError"),
    "import": ("import no_such_module_at_all", "it raised ModuleNotFoundError"),
    "exit": ("import sys; sys.exit(3)", "it raised SystemExit"),
    "no hook": ("x = 1", "registers nothing"),
    "hook fails": (changed("    register(Sketch)", "    1 / 0"), "hook register_generators raised ZeroDivision"),
    "hook exits": (changed("    register(Sketch)", "    raise SystemExit"), "raised SystemExit"),
    "another name": (changed('name="{name}"', 'name="other"'), "promises one generator .* but registers other"),
    "twice": (changed("    register(Sketch)", "    register(Sketch); register(Sketch)"), "promises one generator"),
    "no declaration": (changed("    declaration =", "    declared ="), "Sketch has no declaration"),
    "odd declaration": (changed('charimg.Declaration(name="{name}", summary="Draws.")', '{"name": "{name}"}'),
                        "is not a charimg.Declaration"),
    "sync": (changed("async def generate", "def generate"), "Sketch.generate must be 'async def'"),
    "sync open": (changed("    async def gen", "    def open(self): pass\n    async def gen"), "Sketch.open must be"),
    "no generate": (changed("async def generate", "async def produce"), "Sketch has no method 'generate'"),
    "wrong base": (changed("(charimg.ImageGenerator)", "(charimg.Uploader)"), "is not a class that extends"),
    "no base": (changed("(charimg.ImageGenerator)", ""), "is not a class that extends charimg.ImageGenerator"),
    "instance": (changed("register(Sketch)", "register(Sketch(None))"), "is not a class that extends"),
    "unknown hook": (GOOD + "\n@charimg.hookimpl\ndef register_everything(register): ...", "hook charimg cannot use"),
    "wrong argument": (changed("def register_generators(register)", "def register_generators(registrar)")
                       .replace("    register(", "    registrar("), "hook charimg cannot use"),
    "another function name": (changed("@charimg.hookimpl\ndef register_generators",
                              "@charimg.hookimpl(specname='register_generators')\ndef mine"), "must be called that"),
    "lazy attribute": (GOOD + "\ndef __dir__(): return ['absent']\ndef __getattr__(name): raise ImportError(name)",
                       "registers nothing"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_broken_provider_is_told_with_its_distribution(text: str, words: str, site: Site) -> None:
    """Whatever is wrong: one error that names fault, distribution and remedy; every time; and others still work."""
    site.generator("bad", text)
    site.generator("good")
    plugins = Plugins()
    for _ in range(2):
        with pytest.raises(PluginError, match=words) as caught:
            plugins.load(Kind.GENERATOR, "bad")
        assert "charimg-bad 1.0" in str(caught.value)
        assert "charimg uninstall charimg-bad" in str(caught.value)

    assert plugins.load(Kind.GENERATOR, "good").declaration.name == "good"


def test_store_without_a_method_is_found_out_before_the_run(site: Site) -> None:
    """A store must have every method of the contract: the ledger cannot be missing a page in a paid run."""
    site.module(
        "site_half",
        "import charimg\nclass Half(charimg.Store):\n    declaration = charimg.Declaration('half', 's')\n"
        "@charimg.hookimpl\ndef register_stores(register): register(Half)\n",
    )
    site.install("charimg-half", "[charimg.stores]\nhalf = site_half\n")

    with pytest.raises(PluginError, match="Half has no method '"):
        Plugins().load(Kind.STORE, "half")


@pytest.mark.parametrize("value", ["site_value:thing", "site_value:absent", "not a module!", ""])
def test_entry_point_to_something_else_is_told(value: str, site: Site) -> None:
    """An entry point may name anything; only a module with hooks works."""
    site.module("site_value", "thing = {}\n")
    found = [EntryPoint("odd", value, "charimg.generators")]

    with pytest.raises(PluginError, match="an unknown distribution"):
        Plugins(found).load(Kind.GENERATOR, "odd")


def test_all_tells_broken_and_good_side_by_side(site: Site) -> None:
    """The list of providers holds the broken ones with what is wrong."""
    site.generator("bad", "1 / 0")
    site.generator("good")
    found = dict(Plugins().all(Kind.GENERATOR))

    assert isinstance(found["bad"], PluginError)
    assert isinstance(found["good"], type)


def test_one_module_may_serve_two_kinds(site: Site) -> None:
    """A service's generator and uploader may live in one module, under one name."""
    site.module(
        "site_both",
        GOOD.replace("{name}", "both")
        + "\nclass Shelf(charimg.Uploader):\n    declaration = charimg.Declaration('both', 's')\n"
        "    async def upload(self, picture): return None\n"
        "@charimg.hookimpl\ndef register_uploaders(register): register(Shelf)\n",
    )
    site.install("charimg-both", "[charimg.generators]\nboth = site_both\n[charimg.uploaders]\nboth = site_both\n")
    plugins = Plugins()

    assert issubclass(plugins.load(Kind.GENERATOR, "both"), ImageGenerator)
    assert issubclass(plugins.load(Kind.UPLOADER, "both"), Uploader)
    assert plugins.load(Kind.GENERATOR, "both") is plugins.load(Kind.GENERATOR, "both")
    assert not issubclass(plugins.load(Kind.UPLOADER, "both"), Store)


# -- those who take part -------------------------------------------------------------------------------------------


def taking_part(site: Site, **texts: str) -> Plugins:
    for name, text in texts.items():
        site.module(f"site_{name}", "import dataclasses\nimport charimg\n" + text)
        site.install(f"charimg-{name}", f"[{PLUGIN_GROUP}]\n{name} = site_{name}\n")
    return Plugins()


WATCHING = """
class Watcher(charimg.Observer):
    def hear(self, event): ...
@charimg.hookimpl
def register_observers(register): register(Watcher)
"""


def test_broken_plugin_warns_and_others_take_part(site: Site) -> None:
    """One that cannot be imported or whose observer cannot start is a warning with its name; the rest observe."""
    plugins = taking_part(
        site,
        a="1 / 0",
        b=WATCHING.replace("...", "...\n    def __init__(self): raise SystemExit('no')"),
        c=WATCHING.replace("(charimg.Observer)", ""),
        d=WATCHING.replace("register(Watcher)", "register(Watcher())"),
        e=WATCHING,
        f=WATCHING.replace("def hear", "def listen"),
    )
    warnings = plugins.load_taking_part()
    observers, troubles = plugins.observers()

    assert len(warnings) == 1
    assert "'a' of charimg-a 1.0 is broken: it raised ZeroDivisionError" in warnings[0]
    assert [type(observer).__module__ for observer in observers] == ["site_e"]
    assert sorted(trouble.partition(":")[0] for trouble in troubles) == [
        "charimg-b",
        "charimg-c",
        "charimg-d",
        "charimg-f",
    ]


REQUEST = ImageRequest("rani", "Rani", "a queen", attempt="a1")


def styling(body: str) -> str:
    return f"@charimg.hookimpl\ndef prepare_request(request):\n    {body}\n"


def test_each_plugin_changes_what_the_one_before_made(site: Site) -> None:
    """Styles add up in order; ``None`` leaves the request; each plugin is called once."""
    add = "return dataclasses.replace(request, prompt=request.prompt + '{}')"
    plugins = taking_part(site, a=styling(add.format("+a")), b=styling("return None"), c=styling(add.format("+c")))
    plugins.load_taking_part()
    request, warnings = plugins.prepare_request(REQUEST)

    assert (sorted(request.prompt.split("+")), warnings) == (["a", "a queen", "c"], [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(2)", "SystemExit"),
        ("return 'a prompt'", "it returned str, not an ImageRequest"),
        ("return dataclasses.replace(request, key='other')", "it changed the request's key or attempt"),
        ("return dataclasses.replace(request, attempt='other')", "it changed the request's key or attempt"),
    ],
)
def test_broken_style_is_left_out_with_a_warning(body: str, words: str, site: Site) -> None:
    """A plugin that fails leaves the request as it was."""
    plugins = taking_part(site, bad=styling(body))
    plugins.load_taking_part()
    request, warnings = plugins.prepare_request(REQUEST)

    assert request == REQUEST
    assert len(warnings) == 1
    assert warnings[0].startswith("charimg-bad: prepare_request failed and is left out: ")
    assert words in warnings[0]


@pytest.mark.parametrize(
    ("body", "result"), [("return None", None), ("return data + b'!'", b"data!"), ("return bytearray(b'x')", b"x")]
)
def test_finishing_gives_bytes_or_nothing(body: str, result: bytes | None, site: Site) -> None:
    """A plugin that works on pictures returns new bytes, or leaves the picture."""
    finish = finisher(site, body)

    assert finish(SavedImage("k", "n", Path("k.png"), ImageFacts("png", 9, 9, "d", 4)), b"data") == result


@pytest.mark.parametrize("body", ["1 / 0", "raise SystemExit(1)"])
def test_broken_finishing_names_its_plugin(body: str, site: Site) -> None:
    """What such a plugin raises becomes one error with its distribution."""
    finish = finisher(site, body)

    with pytest.raises(PluginError, match="charimg-bad: finish_picture failed"):
        finish(SavedImage("k", "n", Path("k.png"), ImageFacts("png", 9, 9, "d", 4)), b"data")


def finisher(site: Site, body: str) -> Callable[[SavedImage, bytes], Any]:
    plugins = taking_part(site, bad=f"@charimg.hookimpl\ndef finish_picture(picture, data):\n    {body}\n")
    plugins.load_taking_part()
    (finish,) = plugins.finishing()
    return finish


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("0", False), ("", False)])
def test_trace_shows_every_hook_call(value: str, shown: bool, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """With the trace on, each call says who is asked and what came, on standard error."""
    site.generator("good")
    plugins = Plugins(environ={"CHARIMG_TRACE_PLUGINS": value})
    plugins.load(Kind.GENERATOR, "good")
    told = capsys.readouterr()

    wanted = "plugins: register_generators(register) -> charimg-good: site_good\nplugins: register_generators done\n"
    assert (told.out, told.err) == ("", wanted if shown else "")
