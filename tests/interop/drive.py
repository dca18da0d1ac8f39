# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Networks of torchvision's, exported from Python, are run and trained by a program of the library beside their Python
originals; writes a table. `./dev interop` makes the environment and calls this.

    drive.py PROGRAM [--only NETWORK]... [--steps N]    see networks.cpp for PROGRAM

Differences are the greatest over a program exported in training mode, in both modes, and one exported in eval mode.
"""
import argparse
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import torch
from torch.nn.functional import cross_entropy

try:
    import torchvision
except RuntimeError:  # its own operators, built for CUDA, do not load; none of the networks has one
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

BATCH, SIZE, STEPS, RATE, ROUNDS = 8, 64, 20, 0.01, 9
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-12}
MODES = (("eval", "eval"), ("train", "eval"), ("train", "train"))  # exported in, run in
NETWORKS = {"resnet18": {}, "mobilenet_v3_small": {}, "vit_b_16": {"image_size": SIZE}}


def make(name, dtype=torch.float32):
    torch.manual_seed(1)
    net = torchvision.models.get_model(name, weights=None, **NETWORKS.get(name, {}))
    for parameter in net.parameters():  # a last layer of zeros lets no gradient through
        if parameter.dim() > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    return net.to(dtype)


def data(dtype=torch.float32):
    generator = torch.Generator().manual_seed(2)
    return {"x": torch.randn(BATCH, 3, SIZE, SIZE, generator=generator, dtype=torch.float64).to(dtype),
            "y": torch.randint(1000, (BATCH,), generator=generator)}


def take_steps(net, rows, steps):
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    for _ in range(steps):
        optimizer.zero_grad()
        cross_entropy(net(rows["x"]), rows["y"]).backward()
        optimizer.step()


def export(net, path):
    # Two rows less than the data have: the batch is a dimension that changes.
    x = torch.zeros(BATCH - 2, 3, SIZE, SIZE, dtype=next(net.parameters()).dtype)
    exported = torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=2)},))
    torch.export.save(exported, path)


def difference(found, expected):
    """The greatest of all, as a part of the greatest value of its tensor; of tensors that are next to zero, as a
    thousandth of the greatest of all."""
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    greatest = {name: value.double().abs().max().item() for name, value in expected.items()}
    floor = 1e-3 * max(greatest.values()) or 1
    return max((found[name].double() - value.double()).abs().max().item() / max(greatest[name], floor)
               for name, value in expected.items())


def call(program, *words):
    result = subprocess.run([program, *map(str, words)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode != 0:
        raise RuntimeError(result.stdout)


class Comparison:
    """One network in one dtype."""

    def __init__(self, program, name, dtype, folder):
        self.program, self.name, self.dtype, self.folder = program, name, dtype, folder
        self.rows = data(dtype)
        torch.save(self.rows, folder / "data.pt")

    def gradients(self, exported_mode, mode):
        """Differences of scores and buffers, and of gradients, of a program exported in one mode and run in another."""
        net = make(self.name, self.dtype).train(exported_mode == "train")
        path = self.folder / f"{exported_mode}.pt2"
        if not path.exists():
            export(net, path)
        call(self.program, "gradients", path, self.folder / "data.pt", mode, self.folder / "out.pt")
        net.train(mode == "train")
        torch.manual_seed(0)  # dropout's, too
        scores = net(self.rows["x"])
        cross_entropy(scores, self.rows["y"]).backward()
        expected = {f"gradient {key}": value.grad for key, value in net.named_parameters()}
        others = {"scores": scores.detach(), **{f"buffer {key}": value for key, value in net.named_buffers()}}
        found = torch.load(self.folder / "out.pt", weights_only=True)
        return (difference({key: found.pop(key) for key in others}, others), difference(found, expected))

    def training(self):
        """Differences of the weights' changes in the steps, and of the trained program's scores in Python."""
        start = make(self.name, self.dtype).state_dict()
        call(self.program, "train", self.folder / "train.pt2", self.folder / "data.pt", STEPS, RATE,
             self.folder / "trained.pt2")
        net = make(self.name, self.dtype)
        torch.manual_seed(0)
        take_steps(net, self.rows, STEPS)
        trained = torch.export.load(self.folder / "trained.pt2")
        changes = difference({key: value - start[key] for key, value in trained.state_dict.items()},
                             {key: value - start[key] for key, value in net.state_dict().items()})
        scores = []
        for either in (trained.module(), net):
            torch.manual_seed(0)
            scores.append({"scores": either(self.rows["x"]).detach()})
        return changes, difference(*scores)


def serve_times(kind, name, path, steps):
    """As `networks time`: for each line of the input, the processor's seconds per step."""
    torch.set_num_threads(1)
    net, rows = make(name) if kind == "eager" else torch.export.load(path).module(), data()
    take_steps(net, rows, 2)
    for _ in sys.stdin:
        start = time.process_time()
        take_steps(net, rows, steps)
        print((time.process_time() - start) / steps, flush=True)


def milliseconds(program, name, folder, steps):
    """Medians of the rounds, in which all take turns; of the processor's time, as machines are shared."""
    own = [sys.executable, __file__]
    commands = {
        "C++": [program, "time", folder / "train.pt2", folder / "data.pt", str(steps), str(RATE)],
        "eager": [*own, "--serve", "eager", name, "", str(steps)],
        "exported": [*own, "--serve", "exported", name, folder / "train.pt2", str(steps)]}
    running = {key: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
               for key, command in commands.items()}
    times = {key: [] for key in commands}
    for turn in range(ROUNDS + 1):  # the first waits for all of them to be ready
        for key, process in running.items():
            print(file=process.stdin, flush=True)
            taken = float(process.stdout.readline())
            if turn > 0:
                times[key].append(1e3 * taken)
    for process in running.values():
        process.communicate()
    return [statistics.median(taken) for taken in times.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--only", action="append", help="this one of torchvision's models instead")
    parser.add_argument("--steps", type=int, default=5, help="of each measurement; 0 measures nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, Python {platform.python_version()}; "
          f"images {BATCH} x 3 x {SIZE} x {SIZE}, one thread\n\n"
          f"| network | parameters | dtype | scores | gradients | {STEPS} steps | scores after them, in Python "
          "| processor's ms per step: C++ | Python | exported, in Python |\n"
          "|--|--:|--|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    wrong = []
    for name in options.only or NETWORKS:
        for dtype, tolerance in TOLERANCE.items():
            with tempfile.TemporaryDirectory(dir=options.program.resolve().parent) as folder:
                comparison = Comparison(options.program, name, dtype, pathlib.Path(folder).resolve())
                found = [comparison.gradients(*modes) for modes in MODES]
                differences = [*map(max, zip(*found)), *comparison.training()]
                if not max(differences) <= tolerance:
                    wrong.append(f"{name}, {dtype}: {differences}")
                timed = options.steps > 0 and dtype == torch.float32
                times = milliseconds(options.program, name, comparison.folder, options.steps) if timed else [0, 0, 0]
            parameters = sum(value.numel() for value in make(name).parameters())
            print("|", " | ".join([name, f"{parameters:,}", str(dtype).removeprefix("torch."),
                                   *(f"{value:.0e}" if value else "0" for value in differences),
                                   *(f"{value:.1f}" if value else "" for value in times)]), "|", flush=True)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve_times(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        main()
