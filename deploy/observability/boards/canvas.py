"""
A board on which panels are put from left to right: what all our panels have in common is said here.

Every panel has a unit and a description: whoever is woken by an alert reads the board for the first time.  The data
source is a variable, so a board works with any Prometheus.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

WIDTH = 24
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
#: Of our own metrics: what the board's variables choose.
CHOSEN = 'namespace=~"$namespace",pipeline=~"$pipeline"'
ALL_BOARDS = "syncsvc"

#: `(bound, colour)`: from this value on; the first bound is None.
Steps = Sequence[tuple[float | None, str]]
BLUE: Steps = ((None, "blue"),)
#: 0 is good, anything above needs a look.
NONE_IS_GOOD: Steps = ((None, "green"), (1, "red"))


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel and how its series are called."""

    expr: str
    legend: str = ""


def query(expr: str, legend: str = "") -> Query:
    """An expression; `legend` may name labels as `{{label}}`."""
    return Query(expr, legend)


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    made = [models.Threshold(value=bound, color=colour) for bound, colour in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(made)


class Canvas:
    """
    One board.

    Args:
        uid: fixed: links and alerts name it.
        title: as it stands in the list of boards.
        description: how to read it.
        variables: further label variables beside the namespace, `{name: expression of label_values}`.
    """

    def __init__(self, uid: str, title: str, description: str, variables: dict[str, str]) -> None:
        self._board = (
            dashboard.Dashboard(title)
            .uid(uid).description(description).tags([ALL_BOARDS]).readonly().refresh("10s").time("now-30m", "now")
            .timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
            .link(
                dashboard.DashboardLink("syncsvc boards").type(models.DashboardLinkType.DASHBOARDS)
                .tags([ALL_BOARDS]).as_dropdown(True).include_vars(True).keep_time(True)
            )
            .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        )  # fmt: skip
        for name, values in variables.items():
            self._board.with_variable(
                dashboard.QueryVariable(name).label(name.capitalize()).datasource(SOURCE).query(values)
                .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
                .multi(True).include_all(True).all_value(".*")
                .current(models.VariableOption(selected=True, text="All", value="$__all"))
            )  # fmt: skip
        self._x = self._y = self._height = self._panels = 0

    def annotation(self, name: str, expr: str, colour: str) -> None:
        """Marks on every graph where the expression has a value."""
        self._board.annotation(
            dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(colour).expr(expr)
        )

    def row(self, title: str) -> None:
        """A heading; what follows begins below it."""
        self._break()
        self._panels += 1
        place = models.GridPos(x=0, y=self._y, w=WIDTH, h=1)
        self._board.with_row(dashboard.Row(title).id(self._panels).grid_pos(place))
        self._y += 1

    def stat(self, title: str, text: str, unit: str, expr: str, *, steps: Steps = BLUE, width: int = 6) -> None:
        """One number with its colour."""
        shown = (
            stat.Panel().color_mode(kinds.BigValueColorMode.BACKGROUND).graph_mode(kinds.BigValueGraphMode.AREA)
            .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).thresholds(_thresholds(steps))
        )  # fmt: skip
        self._put(shown, title, text, unit, [Query(expr)], width, 5)

    def graph(
        self, title: str, text: str, unit: str, *queries: Query, width: int = 12, stacked: bool = False,
        log: bool = False
    ) -> None:
        """Lines over time; `stacked` when they add up to something."""
        shown = (
            timeseries.Panel().line_width(1).fill_opacity(30 if stacked else 10).show_points(kinds.VisibilityMode.NEVER)
            .min(0).tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
            .legend(
                common.VizLegendOptions().display_mode(kinds.LegendDisplayMode.LIST)
                .placement(kinds.LegendPlacement.BOTTOM).show_legend(True)
            )
        )  # fmt: skip
        if stacked:
            shown.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
        if log:
            shown.scale_distribution(common.ScaleDistributionConfig().type(kinds.ScaleDistribution.SYMLOG).log(10))
        self._put(shown, title, text, unit, queries, width, 8)

    def heat(self, title: str, text: str, unit: str, expr: str, *, width: int = 12) -> None:
        """A histogram over time: how often each value was met."""
        shown = (
            heatmap.Panel().calculate(False).y_axis(heatmap.YAxisConfig().unit(unit)).show_tooltip()
            .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Spectral").steps(64))
        )  # fmt: skip
        self._put(shown, title, text, unit, [Query(expr, "{{le}}")], width, 8, PromQueryFormat.HEATMAP)

    def states(
        self, title: str, text: str, queries: Sequence[Query], names: dict[int, tuple[str, str]], *, width: int = 24
    ) -> None:
        """Which state each series was in; `names` are `{value: (word, colour)}`."""
        words = {
            str(value): models.ValueMappingResult(text=word, color=colour, index=at)
            for at, (value, (word, colour)) in enumerate(names.items())
        }
        shown = (
            statetimeline.Panel().merge_values(True).row_height(0.8).show_value(kinds.VisibilityMode.AUTO)
            .fill_opacity(80).mappings([models.ValueMap(options=words)])
        )  # fmt: skip
        self._put(shown, title, text, "none", queries, width, 7)

    def table(self, title: str, text: str, unit: str, *queries: Query, width: int = 24, height: int = 9) -> None:
        """The newest values, a row for each set of labels."""
        hidden = {"Time": True, "__name__": True}
        shown = tables.Panel().show_header(True)
        shown.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        shown.with_transformation(
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": hidden,
                    "renameByName": {f"Value #{_letter(n)}": one.legend for n, one in enumerate(queries)},
                },
            )
        )
        self._put(shown, title, text, unit, queries, width, height, PromQueryFormat.TABLE)

    def json(self) -> str:
        """The board as Grafana reads it; ends with a newline."""
        made = json.loads(json.dumps(self._board.build(), cls=JSONEncoder))
        made["version"] = 1
        return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"

    def _put(
        self,
        panel: Any,
        title: str,
        text: str,
        unit: str,
        queries: Sequence[Query],
        width: int,
        height: int,
        shape: PromQueryFormat = PromQueryFormat.TIME_SERIES,
    ) -> None:
        if self._x + width > WIDTH:
            self._break()
        self._panels += 1
        place = models.GridPos(x=self._x, y=self._y, w=width, h=height)
        panel.id(self._panels).title(title).description(text).unit(unit).datasource(SOURCE).grid_pos(place)
        for number, one in enumerate(queries):
            target = prometheus.Dataquery().ref_id(_letter(number)).expr(one.expr).datasource(SOURCE).format(shape)
            if one.legend:
                target.legend_format(one.legend)
            panel.with_target(target.instant() if shape is PromQueryFormat.TABLE else target.range())
        self._board.with_panel(panel)
        self._x += width
        self._height = max(self._height, height)

    def _break(self) -> None:
        self._x, self._y, self._height = 0, self._y + self._height, 0


def _letter(number: int) -> str:
    return "ABCDEFGHIJ"[number]


def own(uid: str, title: str, description: str) -> Canvas:
    """A board of our own metrics, with the variables that `CHOSEN` names."""
    return Canvas(
        uid, title, description,
        {
            "namespace": "label_values(syncsvc_build_info, namespace)",
            "pipeline": 'label_values(syncsvc_pipeline_info{namespace=~"$namespace"}, pipeline)',
        },
    )  # fmt: skip
