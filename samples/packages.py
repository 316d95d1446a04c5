#!/usr/bin/env python3
"""Looks into the packages: each has its README, icon, licence, XML comments and symbols, and depends on what it should."""
import pathlib
import sys
import xml.etree.ElementTree as xml
import zipfile

DEPENDENCIES = {
    "PayoutManager.Domain": set(),
    "PayoutManager.Thrift": {"ApacheThrift", "Confluent.Kafka"},
    "PayoutManager.Woody": {"PayoutManager.Thrift"},
    "PayoutManager.Client": {"PayoutManager.Woody", "Microsoft.Extensions.Http", "Polly.Core"},
}
icons, faults = set(), []
folder = pathlib.Path(sys.argv[1])
for name, expected in DEPENDENCIES.items():
    found = [p for p in folder.glob(f"{name}.*.nupkg") if p.name[len(name) + 1].isdigit()]
    if len(found) != 1:
        sys.exit(f"packages: {len(found)} packages {name} in {folder}")
    with zipfile.ZipFile(found[0]) as package:
        files = set(package.namelist())
        for file in ("README.md", "icon.png", f"lib/net10.0/{name}.dll", f"lib/net10.0/{name}.xml"):
            if file not in files:
                faults.append(f"{name} has no {file}")
        icons.add(package.read("icon.png"))
        spec = xml.fromstring(package.read(f"{name}.nuspec"))
    text = {e.tag.split("}")[1]: (e.text or "").strip() for e in spec.iter()}
    for field, value in (("license", "Apache-2.0"), ("readme", "README.md"), ("icon", "icon.png")):
        if text.get(field) != value:
            faults.append(f"{name}: {field} is {text.get(field)}")
    if not text.get("description"):
        faults.append(f"{name} has no description")
    depends = {e.get("id") for e in spec.iter() if e.tag.endswith("}dependency")}
    # Central pinning makes what the framework's extensions need a dependency of one's own.
    pinned = {d for d in depends if d.startswith(("Microsoft.Extensions.", "System.Net.Http."))}.union(*DEPENDENCIES.values())
    if not expected <= depends <= (expected | pinned if expected else expected):
        faults.append(f"{name} depends on {sorted(depends)}, not on {sorted(expected)}")
    with zipfile.ZipFile(found[0].with_suffix(".snupkg")) as symbols:
        if f"lib/net10.0/{name}.pdb" not in symbols.namelist():
            faults.append(f"{name} has no symbols")
if len(icons) != len(DEPENDENCIES):
    faults.append("packages share an icon")
if faults:
    sys.exit("packages: " + "; ".join(faults))
print(f"   {', '.join(DEPENDENCIES)}")
