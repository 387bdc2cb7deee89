from collections.abc import Iterator

import numpy as np
import pytest
import same_bits
from small_pictures import of_size

from rlgen import data, registry, state
from rlgen.data import Arrays, Dataset, Part, Target, given
from rlgen.errors import UserError
from rlgen.spec import Spec
from rlgen.supervised.mlp import MLP, MLPConfig


def make(problem: str = "digits", seed: int = 0, **config: object) -> MLP:
    small = {"hidden_units": (16, 16), "batch_size": 50}
    return MLP(problem=problem, config=MLPConfig.build({**small, **config}), seed=seed)


def same(a: state.Arrays, b: state.Arrays) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_chunks_do_not_matter_and_one_trace_serves_all() -> None:
    whole, cut = make(), make()
    # An epoch has 23 batches, so the cuts fall inside epochs and 46 on a border.
    whole.train(60)
    for steps in (20, 20, 6, 14):
        scalars = cut.train(steps)
    assert same(state.read(whole.state()), state.read(cut.state()))
    assert cut._advance.traces() == 1
    assert (scalars["work/updates"], scalars["work/images"]) == (60, 3000)
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
    model = MLP(problem="digits", config=MLPConfig(), seed=0)
    model.train(1000)
    result = model.evaluate(episodes=1, seed=0, split="test")
    assert result.scalars["eval/accuracy"] >= 0.95
    assert result.scalars["eval/loss"] < 0.2
    assert result.episodes == 1
    for picture in result.images.values():
        assert picture.dtype == np.uint8
        assert picture.ndim == 3


def test_predict_takes_one_or_many() -> None:
    model, x = make(), data.load("digits").split("test").x
    many = model.predict(x[:5])
    assert many.shape == (5, 10)
    np.testing.assert_allclose(many.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(model.predict(x[3]), many[3], rtol=1e-5)
    with pytest.raises(UserError, match="no batch"):
        model.predict(np.zeros((5, 9, 9, 1)))


def test_inference_state_is_enough_to_predict() -> None:
    trained, fresh = make(), make(seed=9)
    x = data.load("digits").split("test").x[:5]
    state.write(fresh.inference_state(), state.read(trained.inference_state()))
    assert (fresh.predict(x) == trained.predict(x)).all()
    assert set(state.read(trained.inference_state())) < set(state.read(trained.state()))


def test_data_without_labels_is_refused() -> None:
    with pytest.raises(UserError, match=r"'ring' has none. Data sets with targets: .*digits"):
        make("ring")


def test_the_books_net_has_the_books_weights() -> None:
    config = MLPConfig.build(preset="book-hands-on-ml")
    assert MLP(problem=of_size(28, 28, 1), config=config, seed=0).net.count_params() == 266_610


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(UserError, match="1197"):
        make(batch_size=1198).train(1)


class Bytes(Dataset):
    """Two classes of uint8 rows."""

    spec = Spec((3,), "uint8")
    target = Target.one_of("dark", "bright")

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


class Line(Dataset):
    """A number that follows from two others."""

    spec = Spec((2,))
    target = Target(Spec(()))

    def split(self, part: Part) -> Arrays:
        x = np.random.default_rng({"train": 0, "validation": 1, "test": 2}[part]).normal(size=(200, 2))
        return Arrays(x.astype(np.float32), (1000 + 50 * x[:, :1]).astype(np.float32))


class Negative(Dataset):
    """A picture whose target is its negative."""

    spec = Spec((4, 4, 1), "uint8")
    target = Target(Spec((4, 4, 1), "uint8"))

    def split(self, part: Part) -> Arrays:
        x = np.random.default_rng({"train": 0, "validation": 1, "test": 2}[part]).integers(0, 256, (200, 4, 4, 1))
        return Arrays(x.astype(np.uint8), (255 - x).astype(np.uint8))


@pytest.mark.parametrize(("kind", "least"), [(Line, 30.0), (Negative, 0.01)])
def test_numbers_and_pictures_are_targets_too(kind: type[Dataset], least: float, clean_registry: None) -> None:
    registry.register("dataset", "other")(kind)
    model = make("other", dropout_rate=0, learning_rate=0.01, hidden_units=(32,))
    assert (model.score, model.higher_is_better) == ("eval/mean_squared_error", False)
    model.train(600)
    result = model.evaluate(episodes=1, seed=0, split="test")
    assert result.scalars["eval/mean_squared_error"] < least
    assert set(result.images) == ({"eval/examples"} if kind is Negative else {"eval/agreement"})
    assert (
        model.predict(kind().split("test").x).shape == kind().split("test").y.reshape(200, -1).squeeze().shape
        or kind is Negative
    )


def test_a_convolutional_network_learns_without_xla_and_resumes_to_the_bit() -> None:
    first, second = (make(network="small_cnn", hidden_units=(8,), batch_size=20) for _ in range(2))
    assert not first.compute.xla
    first.train(12)
    second.train(5)
    third = make(network="small_cnn", hidden_units=(8,), batch_size=20)
    state.write(third.state(), state.read(second.state()))
    third.train(7)
    assert same(state.read(first.state()), state.read(third.state()))


def test_a_second_seed_in_one_process_knows_the_units_of_its_targets() -> None:
    """What was noted of the data belongs to no seed."""
    random = np.random.default_rng(0)
    x = random.normal(size=(100, 3)).astype(np.float32)
    problem = given.name_of((x, 50 + 10 * x.sum(axis=1)))
    alone, reseeded = (MLP(problem=problem, config=MLPConfig(hidden_units=(8,)), seed=seed) for seed in (1, 0))
    alone.train(3)
    reseeded.train(1)
    reseeded.reseed(1)
    reseeded.train(3)
    same_bits.assert_same_bits(alone, reseeded)
    np.testing.assert_array_equal(reseeded.predict(x), alone.predict(x))
