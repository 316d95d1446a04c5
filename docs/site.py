#!/usr/bin/env python3
"""Makes the documentation site in artifacts/site: pages from the Markdown of the project, the API from the XML comments.

A link that leads nowhere fails, also one to code. Needs a build (dotnet build -c Release) and docfx (dotnet tool restore).
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAGE = ROOT / "artifacts" / "site-source"
PACKAGES = {"src/Domain": "Domain", "thrift": "Thrift", "src/Woody": "Woody", "src/Client": "Client"}
PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")),
         *(f"{folder}/README.md" for folder in PACKAGES)]
SHOWN = {".py", ".js", ".yaml", ".yml", ".json", ".service", ".example", ".thrift"}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")

broken, resources = [], set()


def place(page: pathlib.Path) -> pathlib.Path:
    return page.with_name("index.md") if page.name == "README.md" else page


def rewrite(page: str) -> str:
    folder = (ROOT / page).parent

    def link(match: re.Match) -> str:
        text, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match.group(0)
        path, _, anchor = target.partition("#")
        file = (folder / path).resolve()
        if not file.exists():
            broken.append(f"{page}: {target}")
            return match.group(0)
        known = str(file.relative_to(ROOT))
        if known in PAGES:
            path = str(place(pathlib.Path(path)))
            return f"[{text}]({path}{'#' + anchor if anchor else ''})"
        if file.is_file() and file.suffix in SHOWN:
            resources.add(known)
            return match.group(0)
        return text if text.startswith("`") else f"`{text}`"  # Code is read in the repository.

    fences = re.split(r"(^```.*?^```)", (ROOT / page).read_text(), flags=re.S | re.M)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in fences)


def toc() -> str:
    order = ["concepts", "guarantees", "how-to", "architecture", "clients", "operations", "threat-model", "performance", "scale",
             "simulation", "crash-tests"]
    lines = ["- name: Start", "  href: index.md"]

    def add(name: str, href: str, indent: str = "") -> None:
        lines.extend([f"{indent}- name: {name}", f"{indent}  href: {href}"])

    def title(page: str) -> str:
        return (ROOT / page).read_text().splitlines()[0].lstrip("# ").replace(":", " –")

    for page in order:
        add(title(f"docs/{page}.md"), f"docs/{page}.md")
    lines.extend(["- name: Decisions", "  items:"])
    for page in sorted(p for p in PAGES if p.startswith("docs/decisions/")):
        add(title(page), page, "  ")
    lines.extend(["- name: Packages", "  items:"])
    for folder, name in PACKAGES.items():
        add(f"PayoutManager.{name}", f"{folder}/index.md", "  ")
    add("API", "api/toc.yml")
    add("Changes", "CHANGELOG.md")
    add("Contributing", "CONTRIBUTING.md")
    left = {p for p in PAGES if p.startswith("docs/") and p.count("/") == 1} - {f"docs/{p}.md" for p in order}
    if left:
        sys.exit(f"site.py: not in the table of contents: {', '.join(sorted(left))}")
    return "\n".join(lines) + "\n"


shutil.rmtree(STAGE, ignore_errors=True)
for page in PAGES:
    staged = STAGE / place(pathlib.Path(page))
    staged.parent.mkdir(parents=True, exist_ok=True)
    staged.write_text(rewrite(page))
if broken:
    sys.exit("site.py: links that lead nowhere:\n" + "\n".join(broken))
for resource in resources:
    (STAGE / resource).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / resource, STAGE / resource)
(STAGE / "toc.yml").write_text(toc())
shutil.copy(ROOT / "docs" / "docfx.json", STAGE)
shutil.copy(ROOT / "src" / "Domain" / "icon.png", STAGE)

built = ROOT / "tests" / "Client.Tests" / "bin" / "Release" / "net10.0"
(STAGE / "bin").mkdir()
for file in built.iterdir():
    if file.suffix in {".dll", ".xml"}:
        shutil.copy(file, STAGE / "bin")
sys.exit(subprocess.run(["dotnet", "docfx", str(STAGE / "docfx.json"), "--warningsAsErrors"], cwd=ROOT).returncode)
