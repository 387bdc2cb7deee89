"""That equal programs bear equal names in tests, and others do not: two programs of one name would run as one."""

import tensorflow as tf


def name_of(factor: float, *, steps: int = 3, jit_compile: bool = True) -> str:
    @tf.function(jit_compile=jit_compile)
    def program(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda i, _: i < steps, lambda i, y: (i + 1, tf.sin(y) * factor), (0, x))[1]
        return tape.gradient(y, x)

    traced = program.get_concrete_function(tf.TensorSpec((2,)))
    return str(traced.function_def.signature.name)


def test_what_is_alike_and_what_is_not() -> None:
    assert name_of(2.0) == name_of(2.0)
    others = [name_of(2.0), name_of(3.0), name_of(2.0, steps=4), name_of(2.0, jit_compile=False)]
    assert len(set(others)) == len(others)


def test_layers_are_numbered_by_the_graph() -> None:
    import keras

    def operations() -> list[str]:
        net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3), keras.layers.Dense(1)])
        traced = tf.function(lambda x: net(x)).get_concrete_function(tf.TensorSpec((4, 2)))
        return [op.name for op in traced.graph.get_operations()]

    assert operations() == operations()


def test_programs_of_one_name_compute_with_their_own_variables() -> None:
    def doubled(start: float) -> float:
        state = tf.Variable(start)

        @tf.function(jit_compile=True)
        def program() -> tf.Tensor:
            return state.assign(state * 2)

        program()
        return float(program())

    assert [doubled(1.0), doubled(5.0)] == [4.0, 20.0]
