# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Runs every peer on every job, in rounds, so that whatever else the machine does meets all of them; checks that all
end at the same parameters; writes a table. `./dev bench --peers` makes the virtual environments and calls this."""
import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

import numpy as np

import jobs

HERE = pathlib.Path(__file__).parent
TOLERANCE = 1e-3  # of the norms, after this many steps in float32:
CHECK_STEPS = 50
# A mixture has so many ReLUs and rows that rounding soon decides the sign of one near 0, which Adam makes visible:
# after 50 steps PyTorch's own contenders differ by up to 1e-3 (MMoE's by 1e-7 with tanh), after 20 all by under 1e-4.
MIXTURE_CHECK_STEPS = 20
# Contender: its name in its program, the program (an environment, or None for C++).
CPP = ["loop", "step", "run", "floor"]
# Of jobs with a balancing, one after the other: who is compared in each row.
METHODS = ["pcgrad", "cagrad", "nash_mtl", "upgrad", "mgda", "aligned_mtl"]
PYTHON = [("pytorch", "eager"), ("pytorch", "stacked"), ("pytorch", "compile"), ("jax", "jit"), ("jax", "scan"),
          ("numpy", "by hand")]
MIXTURE_METHODS = ["pcgrad", "cagrad", "upgrad"]
GRADIENTS = "C++ floor of the gradients"  # of mixtures, which have both floors


def contenders(build):
    """Name in the table: the command."""
    found = {f"C++ {name}": ([build / "bench/benchmarks/polytask_benchmarks"], name) for name in CPP}
    for peer, name in PYTHON:
        environment = build / "peers" / peer
        if (environment / "complete").exists():
            found[f"{peer} {name}"] = ([environment / "bin/python", HERE / f"{peer}_peer.py"], name)
        else:
            print(f"{peer} {name} is left out: its packages are not installed", file=sys.stderr)
    return found


def balanced_contenders(build):
    """The same for jobs with a balancing."""
    program = [build / "bench/benchmarks/polytask_benchmarks"]
    found = {f"C++ {name}": (program, name)
             for name in ["equal", "floor", *METHODS, *(f"{method}, features" for method in METHODS)]}
    environment = build / "peers/torchjd"
    if (environment / "complete").exists():
        command = [environment / "bin/python", HERE / "torchjd_peer.py"]
        found |= {f"{way} {method}": (command, f"{way} {method}")
                  for method in METHODS for way in ("autojac", "autogram") if (way, method) != ("autogram", "nash_mtl")}
        own = [environment / "bin/python", HERE / "polytask_peer.py"]
        found |= {f"mtl_backward {method}": (own, f"mtl_backward {method}") for method in METHODS}
    else:
        print("TorchJD is left out: its packages are not installed", file=sys.stderr)
    return found


def mixture_contenders(plain, balanced):
    """Of jobs with mixtures, which are measured with and without a balancing: of the others', those that know them."""
    program = balanced["C++ floor"][0]
    found = {name: command for name, command in plain.items() if name not in ("C++ run", "numpy by hand")}
    found |= {GRADIENTS: (program, "floor of the gradients")}
    found |= {f"C++ {method}": (program, f"step, {method}") for method in MIXTURE_METHODS}
    return found | {f"{way} {method}": balanced[f"{way} {method}"] for method in MIXTURE_METHODS
                    for way in ("mtl_backward", "autojac", "autogram") if f"{way} {method}" in balanced}


def offered(job, contender):
    if job in jobs.BALANCED:
        return True
    return not (contender == "pytorch stacked" and jobs.JOBS[job][1] == "alternating")


def environment(build):
    """One thread for everybody."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    others = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return others | threads | {
        "PYTHONPATH": str(build / "bench"),  # polytask.py
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        "TORCHINDUCTOR_CACHE_DIR": str(build / "peers/inductor"),
        "PYTHONDONTWRITEBYTECODE": "1"}


def run(command, name, job, options, build, core):
    """The JSON line of one run, with its parameters after the steps of the check."""
    results = build / "peers/parameters.f32"
    check_steps = MIXTURE_CHECK_STEPS if job in jobs.MIXTURES else CHECK_STEPS
    steps = jobs.steps_of(job)
    if name == "run":  # which finds the eigenbasis first, whatever its length
        steps = max(steps, 1000 if job.startswith("alternating") else 300)
    steps = min(steps, 20) if options.quick else steps
    process = subprocess.run(
        [*command, "--peer", f"{job}/{name}", "--data", build / "peers/data", "--parameters", results,
         "--check-steps", str(check_steps), "--steps", str(steps), "--repeats", str(2 if options.quick else 7)],
        env=environment(build), capture_output=True, text=True, timeout=1200,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    if process.returncode != 0:
        raise RuntimeError((process.stderr.strip().splitlines() or ["no message"])[-1])
    line = json.loads(process.stdout.strip().splitlines()[-1])
    return line, np.fromfile(results, "<f4")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, one used"


def balanced_table(times):
    """For each method: polytask, as a multiple of the floor and of the step without a balancing; polytask.py; TorchJD,
    as a multiple of the first, and its autojac, which does the same, also of the second."""
    lines = [f"Microseconds per step (median of the rounds' medians). {machine()}; one thread.", "",
             "| job | method | polytask | of the floor | of equal weights | features | polytask.py | autojac | autogram "
             "| autojac of polytask.py |",
             "|--|--|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for job, by_name in times.items():
        medians = {name: float(np.median(runs)) for name, runs in by_name.items()}
        for method in METHODS:
            own = medians.get(f"C++ {method}")
            if own is None:
                continue
            cells = [job, method, f"{own:,.0f}"]
            others = (GRADIENTS, "C++ step") if job in jobs.MIXTURES else ("C++ floor", "C++ equal")
            cells += [f"{own / medians[name]:.2f}" if name in medians else "" for name in others]
            cells.append(f"{medians[f'C++ {method}, features']:,.0f}" if f"C++ {method}, features" in medians else "")
            python, theirs = medians.get(f"mtl_backward {method}"), medians.get(f"autojac {method}")
            cells.append(f"{python:,.0f}" if python else "")
            cells += [f"{medians[f'{way} {method}']:,.0f} ({medians[f'{way} {method}'] / own:.1f}×)"
                      if f"{way} {method}" in medians else "" for way in ("autojac", "autogram")]
            cells.append(f"{theirs / python:.2f}×" if python and theirs else "")
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def table(times, versions):
    """Median of the rounds' medians, and the speed-up over the C++ loop."""
    names = list(dict.fromkeys(name for job in times.values() for name in job))
    lines = [f"Microseconds per step, and how many times faster than the C++ loop. {machine()}; one thread; "
             f"{', '.join(sorted(versions))}; Python {platform.python_version()}.", "",
             "| job | " + " | ".join(names) + " |", "|--|" + len(names) * "--:|"]
    for job, by_name in times.items():
        medians = {name: float(np.median(runs)) for name, runs in by_name.items()}
        loop = medians.get("C++ loop", float("nan"))
        cells = [f"{medians[name]:.2f} ({loop / medians[name]:.2f}×)" if name in medians else "" for name in names]
        lines.append("| " + " | ".join([job, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="regular expression for 'job: contender'")
    parser.add_argument("--quick", action="store_true", help="one round with few steps, to see that all works")
    options = parser.parse_args()
    build = options.build.resolve()
    jobs.write(build / "peers/data")
    plain, balanced = contenders(build), balanced_contenders(build)
    mixtures = mixture_contenders(plain, balanced)
    core = max(os.sched_getaffinity(0))
    times, versions, wrong, expected = {}, set(), [], {}
    with open(build / "peers/runs.jsonl", "w", encoding="utf-8") as log:
        for turn in range(1 if options.quick else options.rounds):
            for job in jobs.JOBS:
                everybody = balanced if job in jobs.BALANCED else mixtures if job in jobs.MIXTURES else plain
                names = [name for name in everybody if offered(job, name) and re.search(options.only, f"{job}: {name}")]
                shift = turn % max(1, len(names)) if job in expected else 0  # the C++ loop first, once
                for name in names[shift:] + names[:shift]:
                    try:
                        line, parameters = run(*everybody[name], job, options, build, core)
                    except (RuntimeError, subprocess.TimeoutExpired) as error:
                        wrong.append(f"{job}: {name}: {error}")
                        print(wrong[-1], file=sys.stderr)
                        continue
                    reference = expected.setdefault(job, parameters)
                    difference = float(np.linalg.norm(parameters - reference) / np.linalg.norm(reference))
                    # Methods end elsewhere than equal weights, and random or inexact ones than each other.
                    if job not in jobs.BALANCED and name in plain and not difference <= TOLERANCE:
                        wrong.append(f"{job}: {name}: parameters differ by {difference:.1e}")
                    line |= {"contender": name, "round": turn, "difference": difference,
                             "load": os.getloadavg()[0]}
                    versions.add(line["version"])
                    times.setdefault(job, {}).setdefault(name, []).append(line["median"])
                    print(json.dumps(line), file=log, flush=True)
                    print(f"{job:30} {name:26} {line['median']:12.2f} us  differs by {difference:.0e}",
                          file=sys.stderr)
    text = table({job: {name: runs for name, runs in found.items() if name in plain}
                  for job, found in times.items() if job not in jobs.BALANCED}, versions)
    text += "\n" + balanced_table({job: found for job, found in times.items()
                                   if job in jobs.BALANCED | jobs.MIXTURES})
    (build / "peers/peers.md").write_text(text, encoding="utf-8")
    print(text)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
