# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Steps of several processes on this machine beside those of one, of threads and of PyTorch: runs the program of
benchmarks/ranks.cpp and peers/ranks_peer.py in every setting, several times in turn; prints a table for each job."""
import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
from typing import NamedTuple

PEER = pathlib.Path(__file__).parent / "peers/ranks_peer.py"
# Of a round, which takes about a second.
STEPS = {("network", "sum"): 300, ("network", "pcgrad"): 20, ("mmoe", "sum"): 200, ("linear", "sum"): 60}
LAUNCHERS = ("RANK", "WORLD_SIZE", "MASTER_", "TORCHELASTIC_", "SLURM_", "OMPI_COMM_WORLD_")


class Setting(NamedTuple):
    name: str
    processes: int = 1
    threads: int = 1
    apart: bool = False  # each takes its part of the rows and knows of no other
    peer: bool = False
    suffix: str = ""  # of the peer's method


OWN = [Setting("1 × 1"), Setting("1 × 2", threads=2), Setting("2 apart", 2, apart=True), Setting("2 × 1", 2),
       Setting("4 × 1", 4)]
PEERS = [Setting(name + f"{processes} × 1", processes, peer=True, suffix=suffix)
         for name, suffix in (("PyTorch ", ""), ("stacked ", "_stacked")) for processes in (1, 2)]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def environments(setting):
    """One for each process."""
    shared = {name: value for name, value in os.environ.items() if not name.startswith(LAUNCHERS)}
    shared |= {"OMP_NUM_THREADS": str(setting.threads), "MKL_NUM_THREADS": str(setting.threads),
               "GLOO_SOCKET_IFNAME": "lo", "PYTHONDONTWRITEBYTECODE": "1"}
    if setting.apart or setting.processes == 1:
        return setting.processes * [shared]
    shared |= {"WORLD_SIZE": str(setting.processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [shared | {"RANK": str(rank)} for rank in range(setting.processes)]


def finish(process, others):
    """What it prints; none goes on once one of them fails."""
    try:
        return process.communicate(timeout=600)
    finally:
        if process.returncode != 0:
            for other in others:
                other.kill()


def keep_to_a_core(rank, setting):
    """A process of one thread: left to itself, Linux at times puts two on one core while they wait for each other."""
    if setting.threads == 1:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})


def outputs(command, setting):
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=functools.partial(keep_to_a_core, rank, setting))
               for rank, environment in enumerate(environments(setting))]
    with concurrent.futures.ThreadPoolExecutor(len(started)) as pool:
        printed = list(pool.map(lambda process: finish(process, started), started))
    codes = [process.returncode for process in started]
    killed = -signal.SIGKILL if any(code not in (0, -signal.SIGKILL) for code in codes) else 0
    failures = [f"rank {rank} of {len(codes)} gave {code}: {errors.strip()}"
                for rank, (code, (_, errors)) in enumerate(zip(codes, printed)) if code not in (0, killed)]
    if failures:
        raise RuntimeError("\n".join(failures))
    return [output for output, _ in printed]


def run(command, job, method, setting, quick):
    rounds, steps = (2, max(2, STEPS[job, method] // 20)) if quick else (5, STEPS[job, method])
    parts = setting.processes if setting.apart else 1
    arguments = [job, method + setting.suffix, str(parts), str(rounds), str(steps)]
    lines = [json.loads(output.strip().splitlines()[-1]) for output in outputs([*command, *arguments], setting)
             if output.strip()]
    return lines[0] | {"us": statistics.mean(line["us"] for line in lines)}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores"


def least_bytes(processes, numbers):
    """Which each process sends where all get the sum of so many floats."""
    return 2 * (processes - 1) / processes * 4 * numbers


def table(job, lines):
    """Of the fastest line of each method and setting."""
    own, peers = [setting.name for setting in OWN], [setting.name for setting in PEERS]
    heads = ["job, method", *own, "1 × 1 / 2 × 1", "waiting in 2 × 1", "bytes in 2 × 1", "of the least", *peers]
    rows = ["| " + " | ".join(heads) + " |", "|--|" + (len(heads) - 1) * "--:|"]
    for method in dict.fromkeys(method for of_job, method, _ in lines if of_job == job):
        found = {name: lines[job, method, name] for name in own + peers if (job, method, name) in lines}
        times = {name: f"{line['us']:,.0f}" for name, line in found.items()}
        one, two = found.get("1 × 1"), found.get("2 × 1")
        cells = [f"{job}, {method}", *(times.get(name, "") for name in own)]
        cells.append(f"{one['us'] / two['us']:.2f}×" if one and two else "")
        cells += [f"{two['waiting']:.0%}", f"{two['bytes']:,.0f}",
                  f"{two['bytes'] / least_bytes(2, two['numbers']):.2f}×"] if two else ["", "", ""]
        rows.append("| " + " | ".join([*cells, *(times.get(name, "") for name in peers)]) + " |")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="once, with few steps, to see that all works")
    parser.add_argument("--job", action="append", choices=list(dict.fromkeys(job for job, _ in STEPS)),
                        help="only this one; may be given several times")
    parser.add_argument("--python", default=sys.executable, help="the Python that has PyTorch")
    options = parser.parse_args()
    has_peer = subprocess.run([options.python, "-c", "import torch"], capture_output=True).returncode == 0
    if not has_peer:
        print(f"PyTorch is left out: {options.python} has none", file=sys.stderr)
    lines, wrong = {}, []
    chosen = [key for key in STEPS if not options.job or key[0] in options.job]
    for _ in range(1 if options.quick else 3):
        for job, method in chosen:
            for setting in OWN + has_peer * PEERS:
                if method == "pcgrad" and setting.suffix:
                    continue
                command = [options.python, PEER] if setting.peer else [options.program.resolve()]
                try:
                    line = run(command, job, method, setting, options.quick)
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    wrong.append(f"{job}, {method}, {setting.name}: {error}")
                    print(wrong[-1], file=sys.stderr)
                    continue
                print(f"{job:8} {method:7} {setting.name:14} {line['us']:12.1f} us", file=sys.stderr)
                key = job, method, setting.name
                lines[key] = min(lines.get(key, line), line, key=lambda one: one["us"])
    print("Microseconds per step, processes × threads of each, one thread on a core; 2 apart: programs that know of\n"
          "no other, each with half of the rows; stacked: PyTorch with the layers of all tasks stacked by hand; the\n"
          f"least: what a sum of the gradients of all parameters sends. {machine()}.\n")
    print("\n".join(table(job, lines) for job in dict.fromkeys(job for job, _ in chosen)))
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
