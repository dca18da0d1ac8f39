# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Reads a CSV file by pandas, as polytask_csv_benchmark does by polytask:

    polytask_csv_benchmark write rows.csv 1000000
    taskset -c 0 polytask_csv_benchmark read rows.csv
    taskset -c 0 python3 pandas_csv.py rows.csv
"""
import resource
import sys
import time

import pandas

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
table = pandas.read_csv(sys.argv[1])
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(f"pandas {pandas.__version__}: {len(table)} rows, {seconds:.2f} s, {peak / 1024:.0f} MiB over the start")
