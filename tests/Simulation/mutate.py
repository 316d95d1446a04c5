#!/usr/bin/env python3
"""Breaks one important line after another and counts the seeds until the simulation notices.

    tests/Simulation/mutate.py [SEEDS [NAME]]

NAME picks those whose names contain it. Works on a copy; prints a table in Markdown. Exits with 1 if a mutation was not noticed within SEEDS (default 20000).
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

root = pathlib.Path(__file__).resolve().parents[2]
seeds = sys.argv[1] if len(sys.argv) > 1 else "20000"
mutations = json.loads((root / "tests/Simulation/mutations.json").read_text())
if len(sys.argv) > 2:
    mutations = [m for m in mutations if sys.argv[2] in m["name"]]
unnoticed = 0

with tempfile.TemporaryDirectory() as folder:
    copy = pathlib.Path(folder) / "copy"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".git", "artifacts", "bin", "obj"))
    project = copy / "tests/Simulation"
    build = ["dotnet", "build", "-c", "Release", "--nologo", "-v", "quiet", "-p:TreatWarningsAsErrors=false", str(project)]
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
        built = subprocess.run(build, capture_output=True, text=True)
        if built.returncode:
            sys.exit(f"{mutation['name']} does not compile:\n{built.stdout}")
        run = subprocess.run(
            ["dotnet", str(project / "bin/Release/net10.0/PayoutManager.Simulation.dll"), "until-broken", seeds],
            capture_output=True, text=True)
        noticed = re.search(r"^seed (\d+): (.*)$", run.stdout, re.MULTILINE)
        if noticed:
            print(f"| {mutation['name']} | {noticed[1]} seeds | {noticed[2]} |", flush=True)
        else:
            unnoticed += 1
            print(f"| {mutation['name']} | **not within {seeds}** | {run.stdout.strip()} {run.stderr.strip()} |", flush=True)
        for file, text in originals.items():
            file.write_text(text)

sys.exit(1 if unnoticed else 0)
