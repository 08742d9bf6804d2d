"""The picture of a pipeline, for every shape of the cookbook: whole, inside its frame, and true to the plan."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from syncsvc import mapping
from syncsvc.routing.plan import compile_plan
from syncsvc.telemetry import shape
from syncsvc.telemetry.status import PipelineStatus
from syncsvc.web import picture
from tests.web.conftest import ROOT

MAPPINGS = sorted(
    path for folder in ("docs/cookbook", "pipelines") for path in (ROOT / folder).glob("*.yaml")
    if not path.stem.endswith(".cases")
)  # fmt: skip


def drawn(path: Path) -> ElementTree.Element:
    """The picture's SVG, parsed as strictly as XML is."""
    pipeline = mapping.load(path)
    whole = PipelineStatus(
        pipeline.name, 1, pipeline.collection, "running", None, 5.0, (), 0, 0, shape=shape.of(pipeline)
    )
    html = picture.drawn(whole)
    return ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_every_table_has_its_place_and_every_lookup_its_relay(path: Path) -> None:
    """The picture is made from the mapping, the work is done by the plan: both know the same places."""
    pipeline = mapping.load(path)
    seen, plan = shape.of(pipeline), compile_plan(pipeline)

    assert sorted(place.table for place in seen.places) == sorted(role.table for role in plan.roles)
    assert sum(place.relay for place in seen.places) == sum(len(role.references) for role in plan.roles)
    assert len(seen.collections) == len(plan.views)


@pytest.mark.parametrize("path", MAPPINGS, ids=lambda path: path.stem)
def test_boxes_lie_inside_the_picture_and_apart_from_each_other(path: Path) -> None:
    """Whatever the mapping; and each says in its title what does not fit into it."""
    svg = drawn(path)
    width, height = map(float, svg.attrib["viewBox"].split()[2:])
    boxes = [tuple(float(box.attrib[name]) for name in ("x", "y", "width", "height")) for box in svg.iter("rect")]

    assert len(boxes) == len(mapping.load(path).each()) + 1 + len(shape.of(mapping.load(path)).places)
    assert [box for box in boxes if box[0] < 0 or box[0] + box[2] > width or box[1] + box[3] > height] == []
    for one, other in combinations(boxes, 2):
        apart = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
        assert apart or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]
    assert all(group.find("title") is not None for group in svg.iter("g"))


def test_a_name_that_is_too_long_is_cut_and_whole_in_the_title() -> None:
    """So that it neither leaves its box nor is lost."""
    place = shape.Place("warehouse.a_table_with_a_name_longer_than_any_box", "t.x", "", -1, "root", "id", False)
    whole = PipelineStatus("p", 1, "c", "running", None, 5.0, (), 0, 0, shape=shape.Shape((place,), "k", ("c",)))

    html = picture.drawn(whole)

    assert "<title>warehouse.a_table_with_a_name_longer_than_any_box (key id)" in html
    assert ">warehouse.a_table_with_a_name_l\u2026</text>" in html
