import numpy as np

from rlgen.generative.averaged import from_output, to_output


def test_the_range_of_a_last_layer_and_back() -> None:
    x = np.array([0.0, 0.25, 1.0], np.float32)
    assert (to_output(x, "tanh") == [-1, -0.5, 1]).all()
    for output in ("tanh", "sigmoid", "linear"):
        assert (from_output(to_output(x, output), output) == x).all()
