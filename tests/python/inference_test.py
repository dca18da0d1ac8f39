# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""The program of docs/interop.md, which answers in Python with a model that C++
trained, against C++ itself, on raw rows.

    inference_test.py PROGRAM
"""
import csv
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest

from site_torch import torch  # or exits

program = sys.argv[1]
page = pathlib.Path(__file__).parents[2] / "docs/interop.md"


def script():
    """The page's one Python block that reads rows."""
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.S | re.M)
    (block,) = [block for block in blocks if "csv.DictReader" in block]
    return block


def call(*words):
    subprocess.run([program, *map(str, words)], check=True)


def tensors_of(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {
        name: torch.frombuffer(bytearray(data[8 + length :][t["data_offsets"][0] : t["data_offsets"][1]]),
                               dtype={"F32": torch.float32, "F64": torch.float64}[t["dtype"]]).view(t["shape"])
        for name, t in header.items()
    }


def write_rows(path, count, seed, cities):
    """Cells are missing here and there; later rows have what no train row had."""
    draw = random.Random(seed)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["area", "floor", "same", "city", "rooms", "rent", "kind", "furnished"])
        for i in range(count):
            area, floor = draw.uniform(20, 120), draw.randrange(9)
            row = [f"{area:.2f}", floor, "7", draw.choice(cities), draw.choice(["1", "2.5", "3"]),
                   f"{area * 12 + 20 * floor:.1f}", ["flat", "house", "room"][i % 3], draw.choice(["yes", "no"])]
            for column in (1, 3, 4, 5):
                row[column] = "" if draw.random() < 0.15 else row[column]
            out.writerow(row)


class Inference(unittest.TestCase):
    def test_python_answers_as_cpp_does(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_rows(folder / "train.csv", 90, 1, ["Graz", "Linz", "Größ,\"x\""])
            write_rows(folder / "new.csv", 23, 2, ["Graz", "Linz", "Wien"])
            call("export", folder / "train.csv", folder / "model.safetensors")
            call("predict", folder / "model.safetensors", folder / "new.csv", folder / "answers.safetensors")
            expected = tensors_of(folder / "answers.safetensors")
            namespace = {"__name__": "predict"}
            exec(compile(script(), "predict.py", "exec"), namespace)
            with open(folder / "new.csv") as file:
                found = namespace["predict"](folder / "model.safetensors", list(csv.DictReader(file)))
            self.assertEqual(list(found), ["rent", "kind", "furnished"])
            self.assertEqual([unit for _, unit in found.values()], ["EUR/month", "", ""])
            for task, (values, _) in found.items():
                self.assertEqual(values.shape, expected[task].shape)
                torch.testing.assert_close(values, expected[task], rtol=1e-5, atol=1e-5)
            self.assertGreater(expected["rent"].std().item(), 10)
            printed = subprocess.run(
                [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{script()}",
                 folder / "model.safetensors", folder / "new.csv"],
                check=True, capture_output=True, text=True).stdout
            self.assertEqual(len(printed.splitlines()), 3)
            self.assertTrue(printed.splitlines()[0].endswith("EUR/month"))

    def check_answers(self, *export):
        """Python's answers are C++'s, and those for no row have their shape."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_rows(folder / "train.csv", 90, 1, ["Graz", "Linz", "Größ,\"x\""])
            write_rows(folder / "new.csv", 23, 2, ["Graz", "Linz", "Wien"])
            call(export[0], folder / "train.csv", folder / "model.safetensors", *export[1:])
            call("predict", folder / "model.safetensors", folder / "new.csv", folder / "answers.safetensors")
            expected = tensors_of(folder / "answers.safetensors")
            namespace = {"__name__": "predict"}
            exec(compile(script(), "predict.py", "exec"), namespace)
            with open(folder / "new.csv") as file:
                rows = list(csv.DictReader(file))
            error = 1e-3 if "half" in export else 1e-6
            for task, (values, _) in namespace["predict"](folder / "model.safetensors", rows).items():
                torch.testing.assert_close(values, expected[task], rtol=error, atol=error)
            for task, (values, _) in namespace["predict"](folder / "model.safetensors", []).items():
                self.assertEqual(values.shape, (0, *expected[task].shape[1:]))

    def test_a_model_in_double(self):
        self.check_answers("export", "double")

    def test_a_model_in_half(self):
        self.check_answers("export", "half")

    def test_a_model_of_ids_alone(self):
        self.check_answers("export_ids")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
