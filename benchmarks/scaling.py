# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""What a step of P processes takes, by the model of docs/scaling.md: prints its table. All options are of one process
and in seconds, bytes a second and numbers."""
import argparse

BYTES = 4
# Words of N, words of T N that each process sends for each of (P - 1) / P, and messages one after the other.
FAMILIES = {"sum": (2, 0, 2), "losses": (2, 0, 3), "inner products": (2, 1, 5), "Jacobian": (2, 2, 5)}


def seconds(processes, family, options):
    """Of one step."""
    of_shared, of_jacobian, messages = FAMILIES[family]
    rows = options.jacobian_compute if of_jacobian else options.compute
    if processes == 1:
        return rows + options.update
    part = (processes - 1) / processes
    sent = BYTES * part * options.numbers * (of_shared + of_jacobian * options.tasks)
    waiting = messages * (options.latency + (processes - 2) * options.message)
    return rows / processes + options.update + waiting + sent / options.bandwidth


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compute", type=float, required=True, help="forward and backward of the whole batch")
    parser.add_argument("--jacobian-compute", type=float, help="the same with a gradient for each task; 2.5 times that")
    parser.add_argument("--update", type=float, default=0, help="what does not get less with fewer rows")
    parser.add_argument("--numbers", type=float, required=True, help="parameters")
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--latency", type=float, default=30e-6, help="of a short message")
    parser.add_argument("--message", type=float, default=2e-6, help="for each further process")
    parser.add_argument("--bandwidth", type=float, default=2.5e9, help="of each process, to all others")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
    options = parser.parse_args()
    options.jacobian_compute = options.jacobian_compute or 2.5 * options.compute
    print("| processes | " + " | ".join(FAMILIES) + " |\n|--|" + len(FAMILIES) * "--:|")
    for processes in options.processes:
        cells = []
        for family in FAMILIES:
            time = seconds(processes, family, options)
            cells.append(f"{time * 1e3:,.2f} ms, {seconds(1, family, options) / time:.1f}×")
        print(f"| {processes:,} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
