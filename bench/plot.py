"""Bars as SVG: plain text that a diff can show."""

import html

WIDTH = 720
LABEL_WIDTH = 190
BAR = 16
GAP = 6
COLOURS = ("#2563a8", "#9aa5b1", "#3f9c6b", "#c98a2b", "#8a5fb0", "#b04a4a", "#4f8f9c")


def text(x, y, content, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
            f'{html.escape(content)}</text>')


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bars(path, title, rows):
    """rows: (label, value, series); the same series has the same colour.  Writes the file."""
    series = list(dict.fromkeys(row[2] for row in rows))
    longest = max(value for _, value, _ in rows)
    room = WIDTH - LABEL_WIDTH - 90
    parts = [text(8, 22, title, weight="bold")]
    y = 36
    for label, value, name in rows:
        length = max(1, value / longest * room)
        colour = COLOURS[series.index(name) % len(COLOURS)]
        parts += [text(LABEL_WIDTH - 8, y + 13, label, anchor="end"),
                  f'<rect x="{LABEL_WIDTH}" y="{y}" width="{length:.1f}" height="{BAR}" '
                  f'fill="{colour}"/>',
                  text(LABEL_WIDTH + length + 6, y + 13, number(value))]
        y += BAR + GAP
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 8}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" '
        'fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n", encoding="utf-8")
