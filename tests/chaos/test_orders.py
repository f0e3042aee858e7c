"""Some orders of start, whatever else the machine does meanwhile; `make orders` tries all, against the clock."""

from pathlib import Path

import pytest

from tests.chaos.orders import every_order, nodes, sample, seconds_to_health

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ORDERS = sample(seed=4, count=5)


@pytest.mark.parametrize("order", ORDERS, ids=[" ".join(order) for order in ORDERS])
def test_nodes_may_start_in_any_order(order: tuple[str, ...], tmp_path: Path) -> None:
    assert seconds_to_health(order, tmp_path, 30.0) > 0


def test_every_order_is_every_order() -> None:
    assert len(set(every_order())) == {4: 24, 5: 120}[len(nodes())]
