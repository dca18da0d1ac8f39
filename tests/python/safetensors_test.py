# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""What Python writes as safetensors is copied by a program of the library, and
read again by Python; by the package safetensors, too, where there is one.

    safetensors_test.py PROGRAM

`PROGRAM copy IN OUT` reads IN and writes OUT.
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

from site_torch import torch  # or exits

try:
    import safetensors.torch
except ImportError:
    safetensors = None

program = sys.argv[1]

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "C64": torch.complex64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
METADATA = {"format": "pt", "": "", 'a "key"': 'größe\n{"b": [1]}'}


def raw(tensor):
    # 0-d tensors cannot be viewed as another dtype.
    return bytes(tensor.contiguous().reshape(-1).view(torch.uint8).tolist())


def of_every_dtype():
    """Every byte there is, NaNs of all kinds among them."""
    tensors = {}
    for name, dtype in DTYPES.items():
        count = 256 * dtype.itemsize
        values = torch.arange(count) * 37 % 257 % (2 if dtype == torch.bool else 256)
        tensors[f"of.{name}"] = values.to(torch.uint8).view(dtype).view(2, 1, 128)
    return tensors


def of_every_shape():
    return {
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0),
        "empty of three": torch.zeros(2, 0, 3, dtype=torch.int16),
        'a "quoted\\ name"': torch.ones(3, dtype=torch.bool),
        "größe 🌍\n": torch.arange(5),
        "": torch.tensor([float("nan"), float("inf"), -0.0]),
    }


def write(path, tensors, metadata):
    """In the given order, so that some data are misaligned."""
    header = {"__metadata__": metadata} if metadata else {}
    data = b""
    for name, tensor in tensors.items():
        bytes_ = raw(tensor)
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(bytes_)],
        }
        data += bytes_
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read(path):
    """The fields of each tensor, its bytes, the metadata, and where data begin."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, fields in header.items():
        begin, end = (8 + length + offset for offset in fields["data_offsets"])
        tensors[name] = (fields["dtype"], fields["shape"], content[begin:end], begin)
    return tensors, metadata


class OfCopies(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name) / "in.safetensors"
        self.copy = pathlib.Path(folder.name) / "out.safetensors"

    def copied(self):
        subprocess.run([program, "copy", self.source, self.copy], check=True)
        return read(self.copy)

    def assert_same(self, tensors, found):
        self.assertEqual(set(found), set(tensors))
        for name, tensor in tensors.items():
            dtype, shape, data, _ = found[name]
            with self.subTest(name):
                self.assertEqual(dtype, NAMES[tensor.dtype])
                self.assertEqual(shape, list(tensor.shape))
                self.assertEqual(data, raw(tensor))


class Copies(OfCopies):
    def test_have_the_bits_of_every_dtype(self):
        tensors = of_every_dtype()
        write(self.source, tensors, {})
        found, metadata = self.copied()
        self.assert_same(tensors, found)
        self.assertEqual(metadata, {})

    def test_have_every_shape_and_name(self):
        tensors = of_every_shape()
        write(self.source, tensors, METADATA)
        found, metadata = self.copied()
        self.assert_same(tensors, found)
        self.assertEqual(metadata, METADATA)

    def test_have_no_tensors_where_there_were_none(self):
        write(self.source, {}, METADATA)
        self.assertEqual(self.copied(), ({}, METADATA))

    def test_are_aligned(self):
        tensors = {"a": torch.ones(1, dtype=torch.bool), **of_every_dtype()}
        write(self.source, tensors, {})
        for dtype, _, _, begin in self.copied()[0].values():
            self.assertEqual(begin % DTYPES[dtype].itemsize, 0)

    def test_are_none_of_a_file_that_is_cut(self):
        write(self.source, of_every_shape(), METADATA)
        self.source.write_bytes(self.source.read_bytes()[:-1])
        done = subprocess.run(
            [program, "copy", self.source, self.copy], capture_output=True, text=True, check=False
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("in.safetensors", done.stderr)
        self.assertFalse(self.copy.exists())


# The rest is of dtypes that came to the format later.
def known_to_the_package(tensors):
    known = {}
    for name, tensor in tensors.items():
        try:
            safetensors.torch.save({name: tensor})
        except (KeyError, TypeError, ValueError, safetensors.SafetensorError):
            continue
        known[name] = tensor
    return known


@unittest.skipUnless(safetensors, "there is no package safetensors")
class CopiesForThePackage(OfCopies):
    def test_are_read_by_it(self):
        tensors = known_to_the_package({**of_every_dtype(), **of_every_shape()})
        self.assertIn("of.F32", tensors)
        write(self.source, tensors, METADATA)
        self.copied()
        found = safetensors.torch.load_file(self.copy)
        self.assertEqual(set(found), set(tensors))
        for name, tensor in tensors.items():
            with self.subTest(name):
                self.assertEqual(found[name].dtype, tensor.dtype)
                self.assertEqual(found[name].shape, tensor.shape)
                self.assertEqual(raw(found[name]), raw(tensor))
        with safetensors.safe_open(self.copy, "pt") as file:
            self.assertEqual(file.metadata(), METADATA)

    def test_are_of_what_it_wrote(self):
        tensors = known_to_the_package({**of_every_dtype(), **of_every_shape()})
        safetensors.torch.save_file(tensors, self.source, METADATA)
        found, metadata = self.copied()
        self.assert_same(tensors, found)
        self.assertEqual(metadata, METADATA)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
