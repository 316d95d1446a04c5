#!/usr/bin/env python3
"""Takes the program out of a package's README into one folder, and what it says that it prints into another file."""
import pathlib
import re
import sys

readme, program, printed = map(pathlib.Path, sys.argv[1:])
text = readme.read_text()
program.write_text(re.search(r"```csharp\n(.*?)```", text, re.S)[1])
printed.write_text(re.search(r"```text\n(.*?)```", text, re.S)[1])
