import numpy as np

from rlgen.generative.averaged import from_output, to_output
from rlgen.generative.gan import GAN, GANConfig


def test_the_range_of_a_last_layer_and_back() -> None:
    x = np.array([0.0, 0.25, 1.0], np.float32)
    assert (to_output(x, "tanh") == [-1, -0.5, 1]).all()
    for output in ("tanh", "sigmoid", "linear"):
        assert (from_output(to_output(x, output), output) == x).all()


def test_the_average_is_what_its_formula_says() -> None:
    """In closed form over three updates: decays of 0.1, 2/11 and 0.2, the last one by the configuration."""
    model = GAN(problem="ring", config=GANConfig.build({"generator_hidden_units": (4,), "ema_decay": 0.2}), seed=0)
    weights = [model.generator.get_weights()]
    assert all((one == other).all() for one, other in zip(model.average.get_weights(), weights[0], strict=True))
    for _ in range(3):
        model.train(1)
        weights.append(model.generator.get_weights())
    for average, *values in zip(model.average.get_weights(), *weights, strict=True):
        expected = values[0]
        for decay, value in zip((1 / 10, 2 / 11, 0.2), values[1:], strict=True):
            expected = decay * expected + (1 - decay) * value
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-7)


def test_what_the_first_weights_were_is_forgotten_in_a_short_run() -> None:
    model = GAN(problem="ring", config=GANConfig.build({"generator_hidden_units": (4,), "ema_decay": 0.9999}), seed=0)
    for variable in model.average.trainable_variables:
        variable.assign(1e6 * variable)
    model.train(200)
    assert max(float(abs(variable.numpy()).max()) for variable in model.average.trainable_variables) < 2
