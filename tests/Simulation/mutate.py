#!/usr/bin/env python3
"""Breaks one important line after another and shows what notices it.

    tests/Simulation/mutate.py [--quick] [SEEDS [NAME]]

Most mutations are noticed by the simulation: the table says after how many seeds. Those that it cannot reach are noticed by the tests
that they name. NAME picks those whose names contain it; --quick those that are noticed within a few seeds, for CI. Works on a copy and
prints a table in Markdown. Exits with 1 if a mutation was not noticed, by the simulation within SEEDS (default 20000).
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
arguments = sys.argv[1:]
quick = "--quick" in arguments
arguments = [a for a in arguments if a != "--quick"]
seeds = arguments[0] if arguments else "20000"
mutations = json.loads((root / "tests/Simulation/mutations.json").read_text())
if len(arguments) > 1:
    mutations = [m for m in mutations if arguments[1] in m["name"]]
if quick:
    mutations = [m for m in mutations if m.get("quick")]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def build(project):
    built = run("dotnet", "build", "-c", "Release", "--nologo", "-v", "quiet", "-p:TreatWarningsAsErrors=false", "-p:RunAnalyzers=false", str(project))
    if built.returncode:
        sys.exit(f"It does not compile:\n{built.stdout}")


def by_simulation(copy):
    """What the simulation says of a broken copy; None if it notices nothing."""
    build(copy / "tests/Simulation")
    out = run("dotnet", str(copy / "tests/Simulation/bin/Release/net10.0/PayoutManager.Simulation.dll"), "until-broken", seeds).stdout
    noticed = re.search(r"^seed (\d+): (.*)$", out, re.MULTILINE)
    return noticed and f"{noticed[1]} seeds | {noticed[2]}"


def by_test(copy, test):
    """The first test that fails; None if all pass."""
    project = copy / test["project"]
    build(project)
    tested = run("dotnet", "test", str(project), "-c", "Release", "--no-build", "--nologo", "--filter", test["filter"])
    failed = re.search(r"^\s+Failed \S+\.(\w+)(?:\(|\s)", tested.stdout, re.MULTILINE)
    return failed and f"a test | {test['filter'].split('~')[-1]}: {failed[1].replace('_', ' ')}"


unnoticed = 0
with tempfile.TemporaryDirectory() as folder:
    copy = pathlib.Path(folder) / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".git", "artifacts", "bin", "obj"))
    print("| broken line | noticed after | by |\n|---|---|---|", flush=True)
    for mutation in mutations:
        originals = {}
        for edit in mutation["edits"]:
            file = copy / edit["file"]
            text = file.read_text()
            originals.setdefault(file, text)
            if text.count(edit["line"]) != 1:
                sys.exit(f"{mutation['name']}: the line is not once in {edit['file']}")
            file.write_text(text.replace(edit["line"], edit["instead"]))
        noticed = by_test(copy, mutation["test"]) if "test" in mutation else by_simulation(copy)
        unnoticed += noticed is None
        print(f"| {mutation['name']} | {noticed or '**not noticed** |'} |", flush=True)
        for file, text in originals.items():
            file.write_text(text)

sys.exit(1 if unnoticed else 0)
