"""The same classifiers as Keras models that `fit` trains: the same nets, batches and updates; one JSON line.

It runs where rlgen does. The first epoch, in which Keras compiles, is not timed.
"""

import argparse
import json
import time

import keras
import numpy as np

EXAMPLES = {"mlp": (1197, (64,)), "cnn": (10_000, (28, 28, 1))}


def mlp() -> list[keras.Layer]:
    return [keras.layers.Dense(128, "relu"), keras.layers.Dense(128, "relu")]


def cnn() -> list[keras.Layer]:
    made: list[keras.Layer] = []
    for filters in (32, 64):
        made += [keras.layers.Conv2D(filters, 3, padding="same", activation="relu"), keras.layers.MaxPooling2D(2)]
    return [*made, keras.layers.Flatten(), keras.layers.Dense(128, "relu")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=EXAMPLES, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=1, help="Keras' steps_per_execution")
    parser.add_argument("--compile", action="store_true", help="Keras' jit_compile")
    args = parser.parse_args()
    count, shape = EXAMPLES[args.model]
    random = np.random.default_rng(0)
    x, y = random.random((count, *shape), np.float32), random.integers(0, 10, count)
    net = keras.Sequential([keras.Input(shape), *{"mlp": mlp, "cnn": cnn}[args.model](), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(
        keras.optimizers.Adam(), loss, jit_compile=args.compile, steps_per_execution=args.at_once, metrics=["accuracy"]
    )
    per_epoch = count // args.batch_size
    x, y = x[: per_epoch * args.batch_size], y[: per_epoch * args.batch_size]
    net.fit(x, y, batch_size=args.batch_size, verbose=0)
    epochs = max(1, round(args.updates / per_epoch))
    start = time.perf_counter()
    net.fit(x, y, batch_size=args.batch_size, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - start
    row = {**vars(args), "updates": epochs * per_epoch, "version": keras.__version__, "seconds": round(seconds, 3)}
    print(json.dumps({**row, "updates_per_second": round(epochs * per_epoch / seconds, 1)}))


if __name__ == "__main__":
    main()
