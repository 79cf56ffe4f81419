"""Time pythae on binarised MNIST: the peer half of the training benchmark.

The script needs only torch, pythae and numpy (`scripts/requirements-peer.txt`), never tfsp, and is
run by the Python of that environment. It does one task on one core and prints one line of JSON to
standard output; pythae's own messages and progress bars go to standard error.

    python scripts/peer_pythae.py --task=fit --prior=vamp --data=mnist.npz --core=1

pythae is used as shipped: its `TrainingPipeline`, its `BaseTrainer` defaults, its `get_nll`.
Where it leaves a choice (network head, type of the array passed in, `batch_size` of `get_nll`), the
choice is the one that is fastest for pythae. Training images are binarised once, because pythae
takes arrays: a fresh draw at every visit would cost it more.

The C library's allocator is left as it is, too. Each VampPrior step frees and asks again for some
tens of megabytes, and the page faults that follow can take a quarter of its time, a share that
varies with the machine. MALLOC_MMAP_THRESHOLD_=1000000000 MALLOC_TRIM_THRESHOLD_=2000000000 in the
environment avoids them; the result names such settings.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

try:
    import torch
    from pythae.models import VAE, VAMP, VAEConfig, VAMPConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback
except ImportError as error:
    raise SystemExit(
        f"{error}. This script runs in the peer's environment, not in that of tfsp: install it "
        "with `pip install -r scripts/requirements-peer.txt` and use that environment's Python."
    ) from error

INPUT_DIM = (1, 28, 28)
NUM_PIXELS = 784
NUM_HIDDEN = 300
LATENT_DIM = 40
NUM_COMPONENTS = 500
SEED = 0
# `get_nll` draws whole chunks of `batch_size`: only divisors of the sample count give that count.
CHUNKS = (50, 100, 200, 250, 500, 1000, 2500, 5000)


class Encoder(BaseEncoder):
    """MLP 784-300-300-(40 means, 40 log-variances) with ReLU.

    The two heads are one linear layer cut in two, which costs one matrix product and not two.
    """

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(NUM_PIXELS, NUM_HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Linear(NUM_HIDDEN, NUM_HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Linear(NUM_HIDDEN, 2 * LATENT_DIM),
        )

    def forward(self, x):
        """Maps images `[B, 1, 28, 28]` to posterior means and log-variances, both `[B, 40]`."""
        mean, log_variance = self.layers(x.reshape(-1, NUM_PIXELS)).chunk(2, dim=-1)
        return ModelOutput(embedding=mean, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """MLP 40-300-300-784 with ReLU and a sigmoid: pythae's "bce" loss takes probabilities."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(LATENT_DIM, NUM_HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Linear(NUM_HIDDEN, NUM_HIDDEN),
            torch.nn.ReLU(),
            torch.nn.Linear(NUM_HIDDEN, NUM_PIXELS),
            torch.nn.Sigmoid(),
        )

    def forward(self, z):
        """Maps latents `[B, 40]` to pixel probabilities `[B, 1, 28, 28]`."""
        return ModelOutput(reconstruction=self.layers(z).reshape((-1, *INPUT_DIM)))


class EpochTimer(TrainingCallback):
    """Records wall and processor seconds and the training loss of every epoch.

    The trainer calls `on_epoch_begin` before the first batch and `on_epoch_end` after the last one
    and after its copy of the best model, so the copy is part of the time.

    Attributes:
        wall: Seconds of wall time per epoch.
        cpu: Seconds of processor time per epoch; well below `wall` where others used the core.
        loss: Mean negative evidence lower bound per epoch, in nats per image.
    """

    def __init__(self):
        self.wall, self.cpu, self.loss = [], [], []

    def on_epoch_begin(self, training_config, **kwargs):
        """Starts the clocks."""
        self._start = time.perf_counter(), time.process_time()

    def on_epoch_end(self, training_config, **kwargs):
        """Stops the clocks."""
        self.wall.append(time.perf_counter() - self._start[0])
        self.cpu.append(time.process_time() - self._start[1])

    def on_log(self, training_config, logs, **kwargs):
        """Keeps the loss, which is logged after `on_epoch_end`."""
        self.loss.append(float(logs["train_epoch_loss"]))


def read_images(path, key, count):
    """Reads and binarises images: one Bernoulli draw per pixel with seed 0.

    Args:
        path: File in the layout of `keras.datasets.mnist`, arrays uint8 `[N, 28, 28]`.
        key: Name of the array, `"x_train"` or `"x_test"`.
        count: How many images to take from the start.

    Returns:
        uint8 `[count, 1, 28, 28]` of zeros and ones. pythae turns it into float32 itself.

    Raises:
        SystemExit: The file lacks the array, or the array is too short or of another shape.
    """
    with np.load(path) as arrays:
        if key not in arrays:
            raise SystemExit(f"--data: expected an array {key!r} in {path}, got {sorted(arrays)}.")
        grey = arrays[key]
    if grey.dtype != np.uint8 or grey.shape[1:] != (28, 28) or len(grey) < count:
        raise SystemExit(
            f"--data: expected {key} uint8 [N >= {count}, 28, 28], got {grey.dtype} "
            f"{list(grey.shape)}. Pass another file or ask for fewer images."
        )
    random = np.random.default_rng(SEED)
    images = np.empty((count, *INPUT_DIM), np.uint8)
    # In pieces, so that the uniform draws do not show in the peak memory reported for pythae.
    for start in range(0, count, 1000):
        piece = grey[start : min(start + 1000, count), np.newaxis]
        images[start : start + 1000] = random.random(piece.shape) < piece / 255.0
    return images


def build_model(prior):
    """Builds pythae's model for a prior name, `"normal"` or `"vamp"`.

    The warm-up of the VampPrior model (`linear_scheduling_steps`) stays at pythae's default 0, so
    that its loss is the evidence lower bound from the first epoch. It does not change the cost.
    """
    torch.manual_seed(SEED)
    common = {"input_dim": INPUT_DIM, "latent_dim": LATENT_DIM, "reconstruction_loss": "bce"}
    if prior == "normal":
        return VAE(VAEConfig(**common), encoder=Encoder(), decoder=Decoder())
    config = VAMPConfig(**common, number_components=NUM_COMPONENTS, linear_scheduling_steps=0)
    return VAMP(config, encoder=Encoder(), decoder=Decoder())


def train(model, images, epochs, batch_size):
    """Trains with pythae's pipeline (Adam, 1e-3) without an evaluation set.

    What the trainer saves at the end goes to a temporary directory.

    Returns:
        The `EpochTimer` of the run and the seconds of the whole call, from array to saved model.
    """
    timer = EpochTimer()
    with tempfile.TemporaryDirectory() as directory:
        config = BaseTrainerConfig(
            output_dir=directory,
            num_epochs=epochs,
            per_device_train_batch_size=batch_size,
            optimizer_cls="Adam",
            learning_rate=1e-3,
            no_cuda=True,
        )
        start = time.perf_counter()
        TrainingPipeline(model=model, training_config=config)(images, callbacks=[timer])
        return timer, time.perf_counter() - start


def memory_mb(field):
    """Reads `VmRSS` (now) or `VmHWM` (peak) of this process, in MB of 10^6 bytes.

    `getrusage` will not do: its peak starts from that of the process that launched this one.
    """
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
    raise SystemExit(f"/proc/self/status has no field {field}: the benchmark needs Linux.")


def rates(images, wall, cpu):
    """Returns median images per wall second and per second of processor time, over the repeats.

    The two agree on an idle core. Where another process shares the core only the second is fair.
    """
    return {
        "images_per_second": statistics.median(images / seconds for seconds in wall),
        "images_per_cpu_second": statistics.median(images / seconds for seconds in cpu),
    }


def run_fit(args):
    """Times training; the first epoch is warm-up and stays out of the median."""
    images = read_images(args.data, "x_train", args.images)
    model = build_model(args.prior)
    timer, total = train(model, images, args.epochs, args.batch_size)
    return {
        "images": args.images,
        "batch_size": args.batch_size,
        "epochs": args.epochs,
        "parameters": sum(p.numel() for p in model.parameters()),
        "first_epoch_seconds": timer.wall[0],
        "epoch_seconds": timer.wall[1:],
        "epoch_cpu_seconds": timer.cpu[1:],
        **rates(args.images, timer.wall[1:], timer.cpu[1:]),
        "total_seconds": total,
        "train_loss": timer.loss,
        "final_train_loss": timer.loss[-1],
    }


def time_nll(model, data, samples, chunk):
    """Returns wall seconds, processor seconds and the value of one call of `get_nll`.

    pythae's own evaluation scripts call it under `no_grad` too. Despite its name it returns the
    mean of +log p(x).
    """
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.no_grad():
        value = model.get_nll(data, n_samples=samples, batch_size=chunk)
    return time.perf_counter() - wall, time.process_time() - cpu, float(value)


def run_likelihood(args):
    """Times `get_nll` on the first test images after a short training.

    `get_nll` takes one image at a time, copies it `batch_size` times and sends all copies through
    encoder and decoder, `n_samples // batch_size` times. (With `n_samples` below `batch_size` it
    draws `batch_size` samples all the same.) Unless a size is given, every one that gives exactly
    the wanted number of samples is tried on one image, the three fastest are timed on all images,
    and the best of them is reported. One image does not decide: where the memory of a size comes
    from, and so its time, can change between calls. The peak memory is that of the largest size.
    """
    data = torch.from_numpy(read_images(args.data, "x_test", args.images)).float()
    model = build_model(args.prior)
    training_images = read_images(args.data, "x_train", args.train_images)
    timer, _ = train(model, training_images, args.epochs, args.batch_size)
    model.eval()
    torch.manual_seed(SEED)
    chunks = [c for c in CHUNKS if c <= args.samples and args.samples % c == 0] or [args.samples]
    if args.nll_batch_size:
        chunks = [args.nll_batch_size]
    # The better of two calls: the first at a size also pays for its memory.
    trials = {
        chunk: min(time_nll(model, data[:1], args.samples, chunk)[1] for _ in range(2))
        for chunk in chunks
    }
    runs = {
        chunk: [time_nll(model, data, args.samples, chunk) for _ in range(args.repeats)]
        for chunk in sorted(trials, key=trials.get)[:3]
    }
    chunk = min(runs, key=lambda chunk: statistics.median(cpu for _, cpu, _ in runs[chunk]))
    wall, cpu, values = zip(*runs[chunk], strict=True)
    return {
        "images": args.images,
        "samples": args.samples,
        "nll_batch_size": chunk,
        "nll_batch_size_trials": trials,
        "seconds": wall,
        "cpu_seconds": cpu,
        **rates(args.images, wall, cpu),
        "log_likelihoods": values,
        "log_likelihood": statistics.fmean(values),
        "train_images": args.train_images,
        "epochs": args.epochs,
        "final_train_loss": timer.loss[-1],
    }


def parse_args():
    """Reads the command line, pins the process, refuses what would give a wrong measurement."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=("fit", "likelihood"), required=True)
    parser.add_argument("--prior", choices=("normal", "vamp"), required=True)
    parser.add_argument("--data", required=True, help="mnist.npz in the layout of Keras")
    parser.add_argument("--core", type=int, default=0, help="the core to run on (default: 0)")
    parser.add_argument("--images", type=int, help="default: fit 60000, likelihood 20 or 5 (vamp)")
    parser.add_argument("--epochs", type=int, help="default: fit 5, likelihood 2")
    parser.add_argument("--batch_size", type=int, default=100, help="training batch (default: 100)")
    parser.add_argument("--train_images", type=int, default=10000, help="likelihood: training set")
    parser.add_argument("--samples", type=int, default=5000, help="importance samples per image")
    parser.add_argument("--nll_batch_size", type=int, help="of get_nll (default: the fastest)")
    parser.add_argument("--repeats", type=int, default=3, help="likelihood: timed calls")
    args = parser.parse_args()
    if args.images is None:
        args.images = 60000 if args.task == "fit" else {"normal": 20, "vamp": 5}[args.prior]
    if args.epochs is None:
        args.epochs = 5 if args.task == "fit" else 2
    for name in ("images", "epochs", "batch_size", "train_images", "samples", "repeats"):
        if getattr(args, name) < 1:
            parser.error(f"--{name}: expected at least 1, got {getattr(args, name)}.")
    if args.task == "fit" and args.epochs < 2:
        parser.error("--epochs: expected at least 2 for fit, got 1: the first epoch is warm-up.")
    chunk = args.nll_batch_size
    if chunk is not None and (chunk < 1 or args.samples % chunk):
        parser.error(
            f"--nll_batch_size: expected a divisor of --samples={args.samples}, got {chunk}: "
            "get_nll draws whole chunks only and would use another number of samples."
        )
    if not pathlib.Path(args.data).is_file():
        parser.error(f"--data: expected an .npz file with x_train and x_test, got {args.data!r}.")
    try:
        os.sched_setaffinity(0, {args.core})
    except (OSError, ValueError):
        parser.error(f"--core: expected a core below {os.cpu_count()}, got {args.core}.")
    return args


def main():
    """Runs the task and prints its result as one line of JSON."""
    args = parse_args()
    torch.set_num_threads(1)
    rss_after_import = memory_mb("VmRSS")
    # VAMP.get_nll prints its progress, which must not mix with the result.
    with contextlib.redirect_stdout(sys.stderr):
        result = {"fit": run_fit, "likelihood": run_likelihood}[args.task](args)
    settings = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "OMP_", "MKL_")
    versions = {name: importlib.metadata.version(name) for name in ("pythae", "torch", "numpy")}
    head = {"task": args.task, "prior": args.prior, "versions": versions}
    tail = {
        "core": args.core,
        "threads": torch.get_num_threads(),
        "environment": {k: v for k, v in sorted(os.environ.items()) if k.startswith(settings)},
        "rss_after_import_mb": rss_after_import,
        "peak_rss_mb": memory_mb("VmHWM"),
    }
    print(json.dumps({**head, **result, **tail}), flush=True)


if __name__ == "__main__":
    main()
