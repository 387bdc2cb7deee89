import math
from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from rlgen import registry, runtime, state
from rlgen.data import Arrays, Dataset, Part
from rlgen.errors import UserError
from rlgen.supervised.mlp import MLPClassifier, MLPConfig, dropout, epoch_order, smoothed_cross_entropy


def make(problem: str = "digits", seed: int = 0, **config: object) -> MLPClassifier:
    small = {"hidden_units": (16, 16), "batch_size": 50}
    return MLPClassifier(problem=problem, config=MLPConfig.build({**small, **config}), seed=seed)


def same(a: state.Arrays, b: state.Arrays) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_loss_closed_forms() -> None:
    flat, labels = tf.zeros((3, 10)), tf.constant([0, 4, 9])
    assert float(smoothed_cross_entropy(flat, labels)) == pytest.approx(math.log(10))
    assert float(smoothed_cross_entropy(flat, labels, 0.3)) == pytest.approx(math.log(10))
    # Logits (a, 0): ln(1 + e^-a) for the right class and a more for the other, which has the target s / 2.
    one = smoothed_cross_entropy(tf.constant([[2.0, 0.0]]), tf.constant([0]), 0.2)
    assert float(one) == pytest.approx(math.log(1 + math.exp(-2)) + 0.1 * 2, rel=1e-5)


def test_dropout_keeps_the_mean_and_drops_its_share() -> None:
    x, seed = tf.ones((200, 500)), tf.constant([1, 2])
    dropped = tf.function(lambda: dropout(x, 0.25, seed), jit_compile=True)().numpy()
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1 / 0.75)}
    assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert dropout(x, 0.0, seed) is x


def test_an_epoch_is_a_permutation_of_its_own() -> None:
    order = tf.function(lambda epoch: epoch_order(runtime.stateless(5, epoch), 1197), jit_compile=True)
    orders = [order(tf.constant(epoch)).numpy() for epoch in (0, 0, 1)]
    assert (np.sort(orders[0]) == np.arange(1197)).all()
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).any()


def test_chunks_do_not_matter_and_one_trace_serves_all() -> None:
    whole, cut = make(), make()
    # An epoch has 23 batches, so the cuts fall inside epochs and 46 on a border.
    whole.train(60)
    for steps in (20, 20, 6, 14):
        scalars = cut.train(steps)
    assert same(state.read(whole.state()), state.read(cut.state()))
    assert cut._advance.experimental_get_tracing_count() == 1
    assert (scalars["counters/updates"], scalars["counters/images"]) == (60, 3000)
    assert {"train/loss", "train/accuracy", "train/grad_norm", "train/learning_rate"} < set(scalars)


def test_a_restored_run_continues_bit_for_bit() -> None:
    first, second = make(), make()
    first.train(30)
    state.write(second.state(), state.read(first.state()))
    assert first.train(30) == second.train(30)
    assert same(state.read(first.state()), state.read(second.state()))


def test_seeds_decide() -> None:
    # That training repeats itself too is what the test of the chunks shows.
    first, again, other = (state.read(make(seed=seed).state()) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_it_learns_the_digits() -> None:
    model = MLPClassifier(problem="digits", config=MLPConfig(), seed=0)
    model.train(1000)
    result = model.evaluate(episodes=1, seed=0, split="test")
    assert result.scalars["eval/accuracy"] >= 0.95
    assert result.scalars["eval/loss"] < 0.2
    assert result.episodes == 1
    for picture in result.images.values():
        assert picture.dtype == np.uint8
        assert picture.ndim == 3


def test_predict_takes_one_or_many() -> None:
    model, x = make(), registry.load("digits", ("dataset",))().split("test").x
    many = model.predict(x[:5])
    assert many.shape == (5, 10)
    np.testing.assert_allclose(many.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.predict(x[3]), many[3], rtol=1e-5)
    with pytest.raises(UserError, match="no batch"):
        model.predict(np.zeros((5, 9, 9, 1)))


def test_inference_state_is_enough_to_predict() -> None:
    trained, fresh = make(), make(seed=9)
    x = registry.load("digits", ("dataset",))().split("test").x[:5]
    state.write(fresh.inference_state(), state.read(trained.inference_state()))
    assert (fresh.predict(x) == trained.predict(x)).all()
    assert set(state.read(trained.inference_state())) < set(state.read(trained.state()))


def test_data_without_labels_is_refused() -> None:
    with pytest.raises(UserError, match=r"'ring' has none. Data sets with labels: .*digits"):
        make("ring")


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(UserError, match="1197"):
        make(batch_size=1198).train(1)


class Bytes(Dataset):
    """Two classes of uint8 rows."""

    classes = 2
    shape = (3,)

    def split(self, part: Part) -> Arrays:
        labels = np.arange(100, dtype=np.int32) % 2
        return Arrays(np.repeat(labels[:, None] * 255, 3, axis=1).astype(np.uint8), labels)


@pytest.fixture
def two_classes() -> Iterator[str]:
    registry.register("dataset", "two-classes")(Bytes)
    yield "two-classes"
    registry.unregister("dataset", "two-classes")


def test_any_labelled_data_will_do(two_classes: str) -> None:
    model = make(two_classes, dropout_rate=0, learning_rate=0.01)
    model.train(100)
    result = model.evaluate(episodes=1, seed=0, split="validation")
    assert result.scalars["eval/accuracy"] == 1
    assert set(result.images) == {"eval/confusion"}
