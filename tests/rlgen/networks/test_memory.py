import keras
import pytest

from rlgen import networks, runtime
from rlgen.errors import UserError
from rlgen.networks import memory
from rlgen.spec import Spec


def test_dense_layers_are_counted_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def unwanted(*_: object, **__: object) -> None:
        raise AssertionError("a layer was made")

    monkeypatch.setattr(keras.layers, "Dense", unwanted)
    for name, inputs in (("dense", Spec((4,))), ("small_cnn", Spec((8, 8, 1), "uint8"))):
        with pytest.raises(UserError, match=r"1,000,\d{3},\d{3},000 weights 4\.0 TB .*Make the hidden layers smaller"):
            networks.build(name, inputs, 2, networks.Options(hidden_units=(1_000_000, 1_000_000)))


def test_what_learning_takes_is_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # (4 + 1) * 8 + (8 + 1) * 8 weights: 4 bytes each for itself, its gradient and Adam's two means.
    monkeypatch.setattr(runtime, "free_memory_bytes", lambda: 4 * 4 * 112)
    memory.require_room(4, (8, 8))
    monkeypatch.setattr(runtime, "free_memory_bytes", lambda: 4 * 4 * 112 - 1)
    with pytest.raises(UserError, match="112 weights 448 B"):
        memory.require_room(4, (8, 8))
    memory.require_room(4, ())


def test_networks_and_batches_in_bytes() -> None:
    model = networks.build("dense", Spec((4,)), 2, networks.Options(hidden_units=(8,)))
    weights, outputs = 5 * 8 + 9 * 2, 4 + 8 + 2
    assert memory.learning_bytes([model, object()], examples=10, learning=3, following=2) == {
        "networks": 4 * weights * (4 * 3 + 2 - 1),
        "batches": 4 * outputs * 10 * (2 * 3 + 2),
    }
    assert memory.widest_outputs([model]) == 8
    assert memory.widest_outputs([object()]) == 0
