"""docs/catalogue.md: every indicator in both languages, made from the catalogue; `python -m
metrics.catalogue.page` prints it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from metrics.catalogue.indicators import Indicator, Targets, Term, load_indicators

_HEAD = """# Which indicators are there? · Có những chỉ số nào?

Made from `metrics/catalogue/indicators.yaml` by `python -m metrics.catalogue.page`; a test refuses
a page that differs. Shares are between 0 and 1 in the API and written in percent here. *Line* means
a line of the reform plan 2021–2030. What each measure counts: [figures.md](figures.md). How to ask:
[api.md](api.md).

Trang này được tạo từ `metrics/catalogue/indicators.yaml`. Chỉ tiêu của một năm là mốc của năm đó,
nếu không có thì là mốc kế tiếp. Cấp huyện kết thúc ngày 30/6/2025 và không có chỉ tiêu sau ngày đó.
"""
_CHAPTERS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("Derived from events · Tính từ sự kiện", ("events", "procedures", "coverage"), False),
    ("Reported by agencies · Do cơ quan báo cáo", ("reported",), False),
    ("Score by QĐ 766 · Điểm theo Quyết định 766", ("events", "procedures", "score", "none"), True),
)
COLUMNS = (
    "id",
    "tên · name",
    "định nghĩa · definition",
    "clause",
    "unit, direction",
    "targets",
    "counts",
    "version",
)
BY_PROCEDURE = {
    "any": "of each fee procedure: any",
    "days_saved": "of each reviewed procedure: days before − days taken, of days before",
}
_DUE = {
    "past": "due in the past",
    "soon": "due within 8 working hours",
    "ahead": "due ahead",
    "any": "as of now",
}
_OVER = {"window": "", "before": " (before the window)", "until": " (all days until then)"}
_DIRECTION = {"up": "↑ more is better", "down": "↓ less is better"}


def markdown(indicators: Mapping[str, Indicator]) -> str:
    """The whole page."""
    return "\n".join(
        [
            _HEAD,
            *(
                _chapter(title, _chosen(indicators, sources, scored))
                for title, sources, scored in _CHAPTERS
            ),
        ]
    )


def _chosen(
    indicators: Mapping[str, Indicator], sources: Iterable[str], scored: bool
) -> list[Indicator]:
    return [
        one
        for one in indicators.values()
        if one.source in sources and (one.score is not None or one.source == "score") == scored
    ]


def _chapter(title: str, indicators: Iterable[Indicator]) -> str:
    rows = [
        _row(cells)
        for cells in (
            COLUMNS,
            ("---",) * len(COLUMNS),
            *(_cells(indicator) for indicator in indicators),
        )
    ]
    return "\n".join([f"## {title}", "", *rows, ""])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _cells(indicator: Indicator) -> tuple[str, ...]:
    return (
        f"`{indicator.id}`",
        f"{indicator.name.vi}<br>{indicator.name.en}",
        _definition(indicator),
        indicator.clause,
        f"{indicator.unit}, {_DIRECTION[indicator.direction]}",
        _targets(indicator),
        _counts(indicator),
        str(indicator.version),
    )


def _definition(indicator: Indicator) -> str:
    said = [indicator.definition.vi, indicator.definition.en]
    if indicator.missing is not None:
        said += [f"*Còn thiếu:* {indicator.missing.vi}", f"*Missing:* {indicator.missing.en}"]
    return "<br>".join(said)


def _targets(indicator: Indicator) -> str:
    if (score := indicator.score) is not None:
        most = "points not settled" if score.points is None else f"{score.points:g} points"
        return most if score.full == 1 else f"{most}, all from {score.full:.0%}"
    levels = [f"{level}: {_years(targets)}" for level, targets in indicator.level_targets.items()]
    return "<br>".join(levels) or _years(indicator.targets) or "–"


def _years(targets: Targets) -> str:
    return ", ".join(f"{year} {target * 100:g} %" for year, target in targets.items())


def _counts(indicator: Indicator) -> str:
    if not indicator.terms:
        return {
            "reported": "reported",
            "coverage": "agencies that report ÷ agencies expected",
            "score": "the items below",
        }.get(indicator.source, "–")
    filters = indicator.filters
    limits = f"<br>only {', '.join(filters.fields or filters.categories)}" if filters else ""
    ratio = "<br>÷ ".join(_term(indicator, term) for term in indicator.terms)
    limits += f"<br>{BY_PROCEDURE[indicator.by_procedure]}" if indicator.by_procedure else ""
    ratio += f"<br>as of a day: {_term(indicator, indicator.as_of)}" if indicator.as_of else ""
    return ratio + limits + ("" if indicator.by_agency else "<br>not by agency")


def _term(indicator: Indicator, term: Term) -> str:
    said = []
    for leaf in term.parts:
        where = f"{leaf.family or indicator.family}/{leaf.kind}"
        when = f" ({_DUE[leaf.due]})" if leaf.due else _OVER[leaf.over]
        times = " × today" if leaf.times_today else ""
        amounts = [f"+ `{name}`{times}" for name in leaf.measures]
        amounts += [f"− `{name}`" for name in leaf.less]
        said.append(f"{where}: {' '.join(amounts)}{when}".replace(": + ", ": "))
    return " + ".join(said)


if __name__ == "__main__":
    print(markdown(load_indicators()), end="")
