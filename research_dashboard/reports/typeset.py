"""Sets one PDF in a process of its own: what typst keeps in memory (some 100 MB) goes when it is done.

Run as a script by pdf.py: the report's data comes on stdin, the PDF goes to stdout. It imports nothing of ours, so
that it starts quickly.
"""

import sys

import typst


def main(template: str, fonts: str, timestamp: str) -> None:
    """Set the template with the data of stdin, in the fonts of one folder and no others."""
    found = typst.Fonts(include_system_fonts=False, font_paths=[fonts])
    compiler = typst.Compiler(template, font_paths=found, sys_inputs={"report": sys.stdin.buffer.read().decode()})
    made = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=int(timestamp))
    if not isinstance(made, bytes):
        raise TypeError("typst gave pages, not one PDF")
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
