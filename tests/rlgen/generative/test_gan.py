import numpy as np
import pytest

from rlgen import state
from rlgen.errors import UserError
from rlgen.evaluator import Evaluator
from rlgen.generative.gan import GAN, GANConfig

SMALL = {"generator_hidden_units": (16,), "discriminator_hidden_units": (16,), "batch_size": 32}


def make(problem: str = "ring", seed: int = 0, **config: object) -> GAN:
    return GAN(problem=problem, config=GANConfig.build({**SMALL, **config}), seed=seed)


def same(a: state.Arrays, b: state.Arrays) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_chunks_do_not_matter_and_one_trace_serves_all() -> None:
    k = 2
    options = {"discriminator_updates": k, "generator_learning_rate": "exponential:start=1e-3,factor=0.5,every=50"}
    whole, cut = make(**options), make(**options)
    whole.train(60)
    for _ in range(3):
        scalars = cut.train(20)
    assert same(state.read(whole.state()), state.read(cut.state()))
    assert cut._advance.traces() == 1
    assert scalars["work/updates"] == 60
    assert scalars["work/images"] == 60 * k * 32
    assert int(cut.discriminator_optimizer.iterations) == 60 * k


def test_a_restored_run_continues_bit_for_bit() -> None:
    first, second = make(), make()
    first.train(30)
    state.write(second.state(), state.read(first.state()))
    assert first.train(30) == second.train(30)
    assert same(state.read(first.state()), state.read(second.state()))


def test_seeds_decide() -> None:
    # That training repeats itself too is what the test of the chunks shows.
    runs = [make(seed=seed) for seed in (1, 1, 2)]
    first, again, other = (state.read(run.state()) for run in runs)
    assert same(first, again)
    assert not same(first, other)
    assert (runs[0].sample(7, 3) == runs[1].sample(7, 3)).all()
    assert (runs[0].sample(7, 3) != runs[0].sample(7, 4)).any()


def test_inference_state_is_enough_to_sample() -> None:
    trained, fresh = make(), make(seed=9)
    state.write(fresh.inference_state(), state.read(trained.inference_state()))
    z = np.ones((5, 2), np.float32)
    assert (fresh.decode(z) == trained.decode(z)).all()
    assert set(state.read(trained.inference_state())) < set(state.read(trained.state()))


def test_it_finds_the_ring() -> None:
    model = GAN(problem="ring", config=GANConfig(instance_noise="exponential:start=1,factor=0.5,every=300"), seed=0)
    before = model.evaluate(episodes=1, seed=0, split="validation").scalars
    model.train(4000)
    after = model.evaluate(episodes=2, seed=0, split="validation")
    assert before["eval/high_quality"] < 0.1
    assert after.scalars["eval/modes"] >= 7
    assert after.scalars["eval/high_quality"] > 0.5
    assert after.scalars["eval/quality"] <= after.scalars["eval/high_quality"]
    assert after.episodes == 2
    picture = after.images["eval/samples"]
    assert picture.dtype == np.uint8
    assert picture.shape == (480, 480, 3)


def test_images_too() -> None:
    model = make("digits", latent_distribution="uniform", evaluation_samples=100)
    assert model.output == "tanh"
    model.train(3)
    samples = model.sample(5, 0)
    assert samples.shape == (5, 8, 8, 1)
    assert samples.min() >= 0
    assert samples.max() <= 1
    result = model.evaluate(episodes=1, seed=0, split="test")
    assert set(result.scalars) == {"eval/quality", "eval/coverage", "eval/density", "eval/diversity"}
    assert result.images["eval/samples"].dtype == np.uint8


def damaged(real: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Samples as a generator might make them, from real digits, best first."""
    random = np.random.default_rng(0)
    return {
        "real": real,
        "a class missing": real[labels != 3],
        "10 % noise": np.clip(real + 0.1 * random.standard_normal(real.shape), 0, 1),
        "20 % the mean": 0.8 * real + 0.2 * real.mean(0),
        "ten repeated": real[:10].repeat(100, 0),
        "grey blobs": real.mean(0) + 0.1 * random.standard_normal(real.shape),
        "noise": random.random(real.shape),
    }


def test_the_score_of_pictures_ranks_damaged_ones() -> None:
    model = make("digits")
    train, held_out = model.examples("train"), model.held_out("validation").x
    made = damaged(train.x, train.y)
    scores = {name: model.measure(held_out, samples)["eval/quality"] for name, samples in made.items()}
    assert 0.94 < scores["real"] < 1
    for name in ("a class missing", "10 % noise", "20 % the mean"):
        assert scores[name] < scores["real"] - 0.01, name
    for name in ("ten repeated", "grey blobs"):
        assert scores[name] < 0.5, name
    assert scores["noise"] < 0
    mean = model.measure(held_out, np.repeat(held_out.mean(0)[None], 20, 0))["eval/quality"]
    assert mean == pytest.approx(0, abs=1e-6)


def test_evaluation_repeats_itself_and_leaves_training_alone() -> None:
    model = make(evaluation_samples=100)
    before = state.read(model.state())
    results = [model.evaluate(episodes=2, seed=5, split="test").scalars for _ in range(2)]
    assert results[0] == results[1]
    assert same(before, state.read(model.state()))


def test_a_film_moves_smoothly() -> None:
    frames = make().frames(seed=0)
    first, second = next(frames), next(frames)
    assert first.shape == second.shape == (480, 480, 3)
    assert first.dtype == np.uint8
    assert 0 < (first != second).mean() < 0.2


def test_an_output_that_cannot_reach_the_data_is_refused() -> None:
    with pytest.raises(UserError, match="output_activation=linear"):
        make(output_activation="tanh").train(1)


def test_choosing_and_reporting_share_no_draw() -> None:
    model, seen = make(evaluation_samples=20), []
    model.sample = lambda n, seed: seen.append(seed) or np.zeros((n, 2), np.float32)
    evaluator = Evaluator(episodes=3, seed=4)
    for split in ("validation", "test"):
        evaluator.evaluate(model, split=split)
    assert len(set(seen)) == 6


def test_the_last_weights_sample_without_averaging() -> None:
    model = make(ema_decay=0)
    model.train(2)
    for new, mean in zip(model.generator.variables, model.average.variables, strict=True):
        np.testing.assert_array_equal(mean, new)
