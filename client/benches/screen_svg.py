#!/usr/bin/env python3
"""A screen as a picture: reads what `tmux capture-pane -e -N -p` prints, and writes SVG.

    tmux capture-pane -e -N -p | client/benches/screen_svg.py light > docs/screens/light.svg

The ground is `dark` or `light`; colours of the first sixteen are those of xterm. Only what this program's screens use is
understood: colours, bold, faint, underlined, reversed.
"""

import html
import re
import sys
import unicodedata

WIDTH, HEIGHT, BASE = 8, 17, 13
GROUNDS = {"dark": ("#000000", "#e5e5e5"), "light": ("#ffffff", "#000000")}
FIRST = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 "
    "7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
).split()
STEPS = (0, 95, 135, 175, 215, 255)


def colour(index):
    """One of the table of 256."""
    if index < 16:
        return "#" + FIRST[index]
    if index < 232:
        index -= 16
        return "#%02x%02x%02x" % tuple(STEPS[part] for part in (index // 36, index // 6 % 6, index % 6))
    return "#" + "%02x" % (8 + 10 * (index - 232)) * 3


def follow(style, codes):
    """What a sequence `ESC [ … m` makes of a style."""
    codes = [int(code or 0) for code in codes.split(";")]
    while codes:
        code = codes.pop(0)
        flags = {1: "bold", 2: "faint", 4: "underlined", 7: "reversed"}
        if code == 0:
            style = {}
        elif code in flags:
            style = {**style, flags[code]: True}
        elif code in (22, 24, 27):
            ends = {22: ("bold", "faint"), 24: ("underlined",), 27: ("reversed",)}[code]
            style = {name: value for name, value in style.items() if name not in ends}
        elif code in (38, 48) and codes[:1] == [5]:
            style = {**style, "fg" if code == 38 else "bg": colour(codes[1])}
            codes = codes[2:]
        elif code in (38, 48) and codes[:1] == [2]:
            style = {**style, "fg" if code == 38 else "bg": "#%02x%02x%02x" % tuple(codes[1:4])}
            codes = codes[4:]
        elif code in (39, 49):
            style = {name: value for name, value in style.items() if name != ("fg" if code == 39 else "bg")}
        elif code // 10 in (3, 4, 9, 10):
            name = "fg" if code // 10 in (3, 9) else "bg"
            style = {**style, name: colour(code % 10 + (8 if code >= 90 else 0))}
    return style


def cells(text):
    """How many cells a text takes."""
    return sum(
        0 if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def main():
    ground, ink = GROUNDS[sys.argv[1]]
    lines = sys.stdin.read().rstrip("\n").split("\n")
    widths, marks, style = [], [], {}
    for row, line in enumerate(lines):
        at = 0
        for part in re.split(r"(\x1b\[[0-9;]*m)", line):
            sequence = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
            if sequence:
                style = follow(style, sequence[1])
                continue
            width = cells(part)
            front, back = style.get("fg", ink), style.get("bg")
            if style.get("reversed"):
                front, back = back or ground, front
            x, y = at * WIDTH, row * HEIGHT
            if back and width:
                marks.append(f'<path fill="{back}" d="M{x} {y}h{width * WIDTH}v{HEIGHT}H{x}z"/>')
            if part.strip():
                lead = len(part) - len(part.lstrip())
                extra = "".join(
                    f' {name}="{value}"'
                    for flag, name, value in (
                        ("bold", "font-weight", "bold"),
                        ("faint", "opacity", ".6"),
                        ("underlined", "text-decoration", "underline"),
                    )
                    if style.get(flag)
                )
                fill = "" if front == ink else f' fill="{front}"'
                text = html.escape(part.strip(), quote=False)
                length = cells(part.strip()) * WIDTH
                marks.append(f'<text x="{x + lead * WIDTH}" y="{y + BASE}" textLength="{length}"{fill}{extra}>{text}</text>')
            at += width
        widths.append(at)
    # A sign of several characters is counted otherwise here than by the terminal; few rows have one. What is blank may be left out
    # at the end of a row; the head and the status line have all.
    width, height = max(width for width in widths if widths.count(width) > 1) * WIDTH, len(lines) * HEIGHT
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 -6 {width + 12} {height + 12}" width="{width + 12}" height="{height + 12}">')
    print(f'<path fill="{ground}" d="M-6-6h{width + 12}v{height + 12}H-6z"/>')
    print(f'<g fill="{ink}" font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="13.3" xml:space="preserve">')
    print("\n".join(marks))
    print("</g></svg>")


main()
