"""The tables of generative models in `docs/benchmarks.md`, from the results."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks import jobs
from benchmarks.jobs import Row
from benchmarks.markdown import table

# Lucic et al., "Are GANs Created Equal?" (NeurIPS 2018): FID on Fashion-MNIST, of the best setting's restarts.
PUBLISHED = (
    ("non-saturating GAN", "26.5 +- 1.6"),
    ("minimax GAN", "29.6 +- 1.6"),
    ("WGAN", "21.5 +- 1.6"),
    ("WGAN-GP", "24.5 +- 2.1"),
)


def section() -> str:
    """Everything there are results of."""
    parts = [part for part in (fashion(), conditional(), ring(), codes()) if part]
    return "\n".join(["## Generative models\n", *parts]) if parts else ""


def fashion() -> str:
    """Fashion-MNIST: distances, classes and copies, every seed."""
    groups = _groups("fashion")
    if not groups:
        return ""
    header = ["model", "FID, seeds 0 to 2", "worst", "KID", "precision", "recall", "classes", "largest share", "copies"]
    rows = []
    for name, runs in groups.items():
        distances = [_figure(row, "fid") for row in runs]
        rows.append(
            (
                name,
                ", ".join(f"{value:.1f}" for value in distances),
                f"{max(distances):.1f} (seed {runs[distances.index(max(distances))]['job']['seed']})",
                *(f"{_median(runs, figure):.2f}" for figure in ("kid", "precision", "recall")),
                f"{_median(runs, 'classes_present'):.0f}",
                f"{max(_figure(row, 'class_share_most') for row in runs):.1%}",
                f"{_median(runs, 'copies'):.2%}",
            )
        )
    job = next(iter(groups.values()))[0]["job"]
    about = (
        f"{job['steps']:,} generator updates, the last weights; 10,000 samples beside the 10,000 test pictures. "
        "Features are those of rlgen's own classifier ([Metrics](metrics.md)), not Inception's, so figures compare "
        "within the table, not with published ones. All but FID are medians; `largest share` is the largest of any "
        "seed. The dense GAN has `--preset pictures`, the others their defaults. Fresh draws would have 5 % copies."
    )
    command = "`python -m benchmarks.generative --suite fashion`"
    return f"### Fashion-MNIST\n\n{about}\n\n{table(header, rows)}\n\n{command}\n\n{published()}"


def published() -> str:
    """The best figures of others, and what makes them others."""
    return (
        "Published beside, the best that Lucic et al. (2018) found in a wide search:\n\n"
        f"{table(['model', 'FID'], PUBLISHED)}\n\n"
        "What differs: their features are Inception's, which knows photographs, ours those of a classifier of these "
        "clothes, whose distances are of another size; their networks are like InfoGAN's, with the best of many "
        "settings and without runs that collapsed, ours of one recipe with every seed reported. So only the order "
        "compares.\n"
    )


def conditional() -> str:
    """The same with classes: what was asked for, and what knowing of classes is worth."""
    groups, others = _groups("conditional"), _groups("fashion")
    if not groups:
        return ""
    rows = []
    for name, runs in groups.items():
        right, distances = ([_figure(row, figure) for row in runs] for figure in ("as_asked", "fid"))
        without = [f"{_figure(row, 'fid'):.1f}" for row in others.get(name, [])]
        shown = ([f"{value:.1%}" for value in right], [f"{value:.1f}" for value in distances], without)
        rows.append((name, *(", ".join(one) for one in shown)))
    seeds = ", ".join(str(row["job"]["seed"]) for row in next(iter(groups.values())))
    header = ["model", f"as asked, seeds {seeds}", "FID", "FID without classes"]
    return (
        "### Fashion-MNIST, classes asked for\n\nThe same with `conditional=true`: how many samples the classifier "
        "takes for the class that was asked for.\n\n"
        f"{table(header, rows)}\n\n`python -m benchmarks.generative --suite conditional`\n"
    )


def ring() -> str:
    """Modes and quality, every seed."""
    groups = _groups("ring")
    if not groups:
        return ""
    rows = []
    for name, runs in groups.items():
        modes, quality = ([row["evaluation"][f"eval/{figure}"] for row in runs] for figure in ("modes", "high_quality"))
        rows.append(
            (
                f"`{name}`",
                f"{runs[0]['job']['steps']:,}",
                ", ".join(f"{value:.1f}" for value in modes),
                ", ".join(f"{value:.3f}" for value in quality),
                f"{max(row['seconds'] for row in runs):.0f} s",
            )
        )
    seeds = ", ".join(str(row["job"]["seed"]) for row in next(iter(groups.values())))
    header = ["model", "updates", f"modes, seeds {seeds}", "share within 3 deviations", "slowest"]
    return (
        "### Ring of 8 Gaussians\n\nThe last weights, 20 sets of 2,500 samples. Bars: 7 modes, a share of 0.9, 60 s; "
        "other seeds than those that the presets were chosen on. Times are of a machine that did other things too.\n\n"
        f"{table(header, rows)}\n\n`python -m benchmarks.generative --suite ring --seeds {len(runs)}`\n"
    )


def codes() -> str:
    """Autoencoders and VAEs beside principal components, every seed."""
    groups = _groups("codes")
    if not groups:
        return ""
    rows = []
    for name, runs in groups.items():
        errors = [row["evaluation"]["eval/reconstruction_mse"] for row in runs]
        bounds = [row["evaluation"].get(f"eval/{bound}") for row in runs for bound in ("elbo", "log_likelihood")]
        shown = f"{bounds[0]:.1f}, {bounds[1]:.1f}" if bounds[0] is not None else ""
        components = f"{runs[0]['evaluation']['eval/pca_mse']:.4f}"
        rows.append((name, ", ".join(f"{error:.4f}" for error in errors), components, shown))
    seeds = ", ".join(str(row["job"]["seed"]) for row in next(iter(groups.values())))
    header = ["model", f"squared error, seeds {seeds}", "as many principal components", "bound, by importance sampling"]
    return (
        "### Codes\n\nFashion-MNIST, 3,000 batches, the last weights, test part; pixels in [0, 1]. The bounds, nats a "
        f"picture, are of the first seed.\n\n{table(header, rows)}\n\n`python -m benchmarks.generative --suite codes`\n"
    )


def _groups(suite: str) -> dict[str, list[Row]]:
    """The runs of a suite by name, sorted by seed."""
    found: dict[str, list[Row]] = {}
    for row in sorted(jobs.kept(suite), key=lambda row: row["job"]["seed"]):
        found.setdefault(row["job"]["name"], []).append(row)
    return found


def _figure(row: Row, name: str) -> float:
    """A metric's value, whose name goes on with what it looked at."""
    (value,) = (value for key, value in row["evaluation"].items() if key.startswith(f"eval/{name}_fashion"))
    return float(value)


def _median(runs: Sequence[Row], name: str) -> float:
    return statistics.median(_figure(row, name) for row in runs)
