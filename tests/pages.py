"""Pages of reports as tests read them."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from da.report.page import html
from da.report.sections import sections
from da.results import store

VOID = {"meta", "input", "wbr", "br"}


class Balanced(HTMLParser):
    """Fails where an element is closed that was not opened last."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_data(self, data):
        self.text += data

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def parsed(text):
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return parser


def page(folder, show=(), rule=None):
    records = store.load(folder)
    text = html("runs", sections(folder, records, rule), records, show)
    parsed(text)
    return text


def words(text, title, until="<h3>"):
    """The text of a part of the page."""
    part = text.partition(f"<h3>{title}</h3>")[2].partition(until)[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part))
