from __future__ import annotations

from pathlib import Path
from typing import Any

import exports
import numpy as np
import pytest
import same_bits
import tensorflow as tf
from PIL import Image
from small_pictures import small_pairs, small_pictures

import rlgen
from rlgen import registry, translating
from rlgen.errors import UserError
from rlgen.generative.pix2pix import Pix2Pix, Pix2PixConfig, side_by_side
from rlgen.networks import vgg
from rlgen.testing import check_plugin

SMALL = {"filters": 2, "most_filters": 4, "batch_size": 4}


def make(problem: str | None = None, preset: str | None = None, **config: object) -> Pix2Pix:
    built = Pix2PixConfig.build({**SMALL, **config}, preset=preset)
    return Pix2Pix(problem=problem or small_pairs(), config=built, seed=0)


@pytest.fixture(scope="module")
def trained() -> Pix2Pix:
    """A few updates old."""
    model = make()
    model.train(3)
    return model


def test_every_variable_learns() -> None:
    model = make()
    variables = [*model.generator.trainable_variables, *model.discriminator.trainable_variables]
    before = [variable.numpy() for variable in variables]
    scalars = model.train(3)
    assert [v.path for v, old in zip(variables, before, strict=True) if (v.numpy() == old).all()] == []
    assert {"loss/generator", "loss/discriminator", "loss/l1", "train/critic_gap", "prob/real"} <= set(scalars)


def test_the_discriminator_is_told_what_a_picture_was_made_of() -> None:
    model = make()
    x, y = tf.zeros((4, 16, 16, 1)), tf.zeros((4, 16, 16, 3))
    assert (model.logits(y, x).numpy() != model.logits(y, x + 1).numpy()).any()
    assert model.logits(y, x).shape == (4, 6, 6)


def test_the_generator_learns_from_what_the_discriminator_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass, as in the authors' code; with `same_draws=false` the dropout is another."""
    for same, passes in ((True, 1), (False, 2)):
        model, made = make(same_draws=same), []
        generated = model.generated

        def watched(*about: Any, made: list[Any] = made, generated: Any = generated) -> Any:
            made.append(generated(*about))
            return made[-1]

        monkeypatch.setattr(model, "generated", watched)
        batch = model.seen(rlgen_batch(model))
        model.step(batch, tf.constant(0, tf.int64))
        assert len(made) == passes
        assert passes == 1 or (made[0].numpy() != made[1].numpy()).any()


def rlgen_batch(model: Pix2Pix) -> Any:
    """The first examples as a batch."""
    from rlgen.data import scaled
    from rlgen.data.feed import Batch

    arrays = model.examples("train")
    return Batch(tf.constant(scaled(arrays.x[:4])), tf.constant(scaled(arrays.y[:4])))


def test_a_resume_is_exact_with_jitter_and_dropout() -> None:
    same_bits.assert_resumes_to_the_bit(make(), parts=(1, 2), rest=2)


def test_the_mean_absolute_error_alone_needs_no_discriminator() -> None:
    model = make(preset="l1")
    before = [variable.numpy() for variable in model.discriminator.variables]
    scalars = model.train(20)
    assert "loss/discriminator" not in scalars
    assert all((v.numpy() == old).all() for v, old in zip(model.discriminator.variables, before, strict=True))
    model.train(200)
    assert model.train(20)["loss/l1"] < 0.7 * scalars["loss/l1"]


def test_a_perceptual_loss_comes_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg, "features", lambda x: [x[:, ::step, ::step] for step in (1, 2, 4, 8, 16)])
    monkeypatch.setattr(vgg.VGG16.origin.__class__, "require", lambda self, name: [])
    monkeypatch.setattr(vgg.distance, "__kwdefaults__", {"see": vgg.features})
    model = make(
        l1=0.0, perceptual=1.0, perceptual_blocks=(1.0, 0.0, 0.0, 0.0, 0.0), adversarial=0.0, precision="float32"
    )
    first = model.train(5)["loss/perceptual"]
    model.train(200)
    assert 0 <= model.train(5)["loss/perceptual"] < first


def test_a_translation_depends_on_nothing_but_the_picture(trained: Pix2Pix) -> None:
    x = trained.examples("test").x
    made = trained.translate(x)
    assert made.shape == (len(x), 16, 16, 3) and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    np.testing.assert_allclose(trained.translate(x[3:4])[0], made[3], atol=1e-6)
    np.testing.assert_array_equal(trained.translate(x, seed=1), made)
    np.testing.assert_allclose(trained.translate(x / np.float32(255)), made, atol=1e-6)


def test_used_as_trained_the_dropout_draws_from_a_seed_and_training_goes_on_unmoved() -> None:
    model = make(normalization="instance", use_as_trained=True)
    model.train(2)
    x = model.examples("test").x[:3]
    before = [variable.numpy() for variable in model.average.variables]
    one, again, other = (model.translate(x, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert all((v.numpy() == old).all() for v, old in zip(model.average.variables, before, strict=True))
    result = model.evaluate(episodes=2, seed=0, split="test")
    assert result.episodes == 2


def test_it_judges_and_shows_itself(trained: Pix2Pix) -> None:
    model = trained
    result = model.evaluate(episodes=5, seed=0, split="test")
    assert result.episodes == 1
    assert set(result.scalars) == {"eval/l1", "eval/psnr", "eval/ssim"}
    assert result.images["eval/translations"].dtype == np.uint8
    frames = list(model.frames(seed=0))
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert (frames[0] == frames[1]).all() and (frames[0] != frames[-1]).any()


def test_metrics_of_pairs_and_of_sets_come_by_name() -> None:
    model = make(metrics=("l1", "kid"))
    model.train(1)
    scalars = model.evaluate(episodes=1, seed=0, split="test").scalars
    count = len(model.examples("test").x)
    assert scalars[f"eval/l1_{count}"] == pytest.approx(scalars["eval/l1"], abs=2e-3)
    assert f"eval/kid_raw_{count}_{count}" in scalars


def test_where_the_picture_could_be_the_target_its_own_error_stands_beside() -> None:
    model = make(small_pairs(channels=3))
    pairs = model.examples("test")
    found = model.evaluate(episodes=1, seed=0, split="test").scalars
    assert found["eval/input_l1"] == pytest.approx(np.abs(pairs.x / 255 - pairs.y / 255).mean(), rel=1e-5)
    assert found["eval/input_psnr"] < 100 and found["eval/input_ssim"] < 1


def test_rows_of_inputs_targets_and_outputs() -> None:
    x, y, made = (np.full((9, 4, 4, channels), value) for channels, value in ((1, 0.0), (3, 0.4), (3, 0.8)))
    sheet = side_by_side(x, y, made)
    columns = sheet[:, sheet.shape[1] // 16, 0]
    found = [int(value) for value in columns[np.diff(columns, prepend=255) != 0] if value != 255]
    assert found == [0, 102, 204]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"perceptual_blocks": (1.0, 1.0)}, "perceptual_blocks=1,1: VGG16 has 5 blocks"),
        ({"adversarial": 0.0, "l1": 0.0}, "leave nothing to learn"),
        ({"use_as_trained": True}, "use_as_trained=true.*normalization=instance"),
        ({"halvings": 5}, "halvings=5 leaves no patch of 16 pixels: set it to 2 or less"),
        ({"gradient_penalty": 10.0}, "batch normalisation"),
    ],
)
def test_what_contradicts_itself_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(**config)


def test_other_data_are_refused_with_what_serves() -> None:
    with pytest.raises(UserError, match="pix2pix learns pictures.*'digits'.*target.*`outlines` and `pairs:FOLDER`"):
        make("digits")
    with pytest.raises(UserError, match="it has no target"):
        make(small_pictures(16))


def test_a_picture_of_another_size_is_refused(trained: Pix2Pix) -> None:
    with pytest.raises(UserError, match=r"translates pictures \[N, 16, 16, 1\], not \[2, 8, 8, 1\]"):
        trained.translate(np.zeros((2, 8, 8, 1)))


def test_files_of_any_size_are_read_as_it_takes_them(trained: Pix2Pix, tmp_path: Path) -> None:
    picture = np.zeros((64, 96, 4), np.uint8)
    picture[:, :32, 3] = 255  # Black where it is not transparent, which is left of a third; 16 of these are cut off.
    Image.fromarray(picture).save(tmp_path / "wide.png")
    read = trained.read(tmp_path / "wide.png")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read[..., 0], np.tile([0] * 4 + [255] * 12, (16, 1)))
    np.testing.assert_array_equal(trained.read(tmp_path / "wide.png", background="black"), 0)
    assert trained.translate(read[None]).shape == (1, 16, 16, 3)


def test_it_is_what_pictures_are_translated_with(trained: Pix2Pix) -> None:
    assert translating.translator(trained) is trained
    shown, held_out = trained.inputs_to_show(3), trained.examples("test").x
    np.testing.assert_array_equal(shown[[0, 2]], held_out[[0, -1]])
    assert len(trained.inputs_to_show(1000)) == len(held_out)
    assert not trained.translates_by_chance
    assert make(normalization="instance", use_as_trained=True).translates_by_chance


def test_the_paper_s_recipe_trains() -> None:
    model = make(small_pairs(side=128, count=20), preset="paper", filters=2, most_filters=4, batch_size=1)
    assert np.isfinite(model.train(1)["loss/generator"])
    assert model.discriminator.output_shape == (None, 14, 14, 1)


def test_it_keeps_the_contract() -> None:
    rlgen.register("generative", "pix2pix")(Pix2Pix)
    try:
        check_plugin("pix2pix", data=small_pairs(), steps=4, config=SMALL)
    finally:
        registry.unregister("generative", "pix2pix")


@pytest.mark.parametrize("format", ["saved_model", "onnx", "tflite", "keras"])
def test_exports_translate_as_it_does(format: str, tmp_path: Path) -> None:
    model = make(precision="float32")
    parity = exports.written(model, tmp_path / "out", format=format).bundle.parity["translate"]
    assert parity["largest_difference"]["translation"] < 1e-5


def test_dropout_at_every_use_is_not_exported() -> None:
    with pytest.raises(UserError, match="--set use_as_trained=false"):
        make(normalization="instance", use_as_trained=True).served()
    assert "use_as_trained" in Pix2PixConfig.judging
