"""What the hub writes as CloudEvents it reads as the very same events."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import events, examples

from connectors.cloudevents.decode import build, event_of, kept_as
from connectors.cloudevents.encode import cloud_event
from connectors.cloudevents.jsonitems import read_one
from ops.simulate.run import START
from ops.simulate.whole import whole_province
from schemas.clock import LATEST_MS
from schemas.events import ACCEPTED


@pytest.mark.parametrize("kind", sorted(ACCEPTED))
@given(data=st.data())
@examples(30)
def test_any_event_is_read_as_it_was_before_it_was_written(kind: str, data: st.DataObject) -> None:
    event = data.draw(events(ACCEPTED[kind]))
    written = cloud_event(event)
    item = read_one(msgspec.json.encode(written).decode())
    assert event_of(item, latest=LATEST_MS) == event
    assert kept_as(json.loads(json.dumps(written)), event) == {}


def test_a_cloud_event_of_the_province_is_understood_as_the_very_same_event() -> None:
    told = [event for _, event in whole_province(1, 200, START, 20)]
    assert len({event.type for event in told}) > 25
    for event in told:
        assert build(cloud_event(event), latest=LATEST_MS) == event
