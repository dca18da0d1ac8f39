# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""io::read_python and io::write_python, against torch.save and torch.load.

    python_file_test.py PROGRAM

`PROGRAM copy IN OUT` reads a file and writes what it held to another.
"""
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

from site_torch import torch  # or exits

program, = sys.argv[1:]


class PythonFileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = str(pathlib.Path(folder.name) / "in.pt")
        self.target = str(pathlib.Path(folder.name) / "out.pt")

    def run_copy(self):
        return subprocess.run([program, "copy", self.source, self.target], capture_output=True, text=True)

    def copied(self, value):
        torch.save(value, self.source)
        done = self.run_copy()
        self.assertEqual(done.returncode, 0, done.stderr)
        mapped = torch.load(self.target, weights_only=True, mmap=True)
        read = torch.load(self.target, weights_only=True)
        self.assert_same(mapped, read)
        return read

    def assert_kept(self, value):
        self.assert_same(self.copied(value), value)

    def assert_refused(self, *words):
        done = self.run_copy()
        self.assertNotEqual(done.returncode, 0)
        self.assertGreaterEqual(done.returncode, 0, "it crashed")
        self.assertFalse(os.path.exists(self.target))
        for word in words:
            self.assertIn(word, done.stderr)

    def assert_same(self, one, other):
        if isinstance(other, torch.Tensor):
            self.assertIsInstance(one, torch.Tensor)
            self.assertEqual(one.dtype, other.dtype)
            self.assertEqual(one.shape, other.shape)
            self.assertEqual(one.resolve_conj().resolve_neg().contiguous().view(-1).tolist(),
                             other.detach().resolve_conj().resolve_neg().contiguous().view(-1).tolist())
        elif isinstance(other, dict):
            self.assertIsInstance(one, dict)
            self.assertEqual(list(one), list(other))
            for key in other:
                self.assert_same(one[key], other[key])
        elif isinstance(other, (list, tuple)):
            self.assertIsInstance(one, tuple if isinstance(other, tuple) else list)
            self.assertEqual(len(one), len(other))
            for left, right in zip(one, other):
                self.assert_same(left, right)
        else:
            self.assertIs(type(one), type(other))
            self.assertTrue(one == other or (one != one and other != other), (one, other))


class Modules(PythonFileTest):
    def assert_loads(self, make):
        module = make()
        state = self.copied(module.state_dict())
        self.assert_same(state, dict(module.state_dict()))
        again = make()
        again.load_state_dict(state, strict=True)
        self.assert_same(again.state_dict(), module.state_dict())

    def test_linear(self):
        self.assert_loads(lambda: torch.nn.Linear(3, 2))

    def test_convolution_and_batch_norm_with_its_count(self):
        def make():
            module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
            module(torch.rand(2, 3, 8, 8))
            return module

        self.assert_loads(make)

    def test_recurrent_with_its_flat_weights(self):
        self.assert_loads(lambda: torch.nn.GRU(3, 4, num_layers=2, bidirectional=True))

    def test_embedding_bag(self):
        self.assert_loads(lambda: torch.nn.EmbeddingBag(10, 3))

    def test_layer_norm(self):
        self.assert_loads(lambda: torch.nn.Sequential(torch.nn.LayerNorm(5), torch.nn.ReLU()))

    def test_channels_last(self):
        self.assert_loads(lambda: torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last))

    def test_tied_parameters(self):
        def make():
            module = torch.nn.ModuleDict({"in": torch.nn.Embedding(5, 3), "out": torch.nn.Linear(3, 5, bias=False)})
            module["out"].weight = module["in"].weight
            return module

        self.assert_loads(make)
        state = self.copied(make().state_dict())
        self.assertEqual(state["in.weight"].data_ptr(), state["out.weight"].data_ptr())


class Values(PythonFileTest):
    def test_checkpoint_goes_on_where_it_was(self):
        module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
        adam = torch.optim.Adam(module.parameters(), amsgrad=True)
        schedule = torch.optim.lr_scheduler.MultiStepLR(adam, [2, 4])
        for _ in range(3):
            adam.zero_grad()
            module(torch.rand(5, 3)).square().sum().backward()
            adam.step()
            schedule.step()
        checkpoint = {
            "model": module.state_dict(),
            "optimizer": adam.state_dict(),
            "epoch": 3,
            "name": "x",
            "flags": [True, None, 1.5, (1, 2)],
        }
        read = self.copied(checkpoint)
        self.assert_same(read, checkpoint)
        module.load_state_dict(read["model"], strict=True)
        adam.load_state_dict(read["optimizer"])
        self.assert_same(adam.state_dict(), checkpoint["optimizer"])
        self.assertEqual(self.copied(schedule.state_dict())["milestones"], {2: 1, 4: 1})

    def test_parameters_are_plain_tensors(self):
        parameter = torch.nn.Parameter(torch.rand(3))
        parameter.note = "dropped"
        for value in (parameter, torch.nn.Parameter(torch.rand(2)), torch.rand(2, requires_grad=True)):
            read = self.copied(value)
            self.assertIs(type(read), torch.Tensor)
            self.assertFalse(read.requires_grad)
            self.assert_same(read, value)

    def test_every_dtype(self):
        for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex128, torch.complex64,
                      torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.uint16,
                      torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2):
            with self.subTest(dtype=dtype):
                self.assert_kept([torch.tensor([0, 1, 1, 0, 1, 1]).to(dtype)])

    def test_shapes_and_strides(self):
        base = torch.rand(4, 6)
        for value in (torch.tensor(2.5), torch.empty(0, 3), base.t(), base[1:3], base[:, 2], base[:, ::2],
                      base[2].expand(3, 6), base[2:2], torch.rand(2, 3, 4, 5).permute(0, 2, 3, 1),
                      torch.rand(3, dtype=torch.complex64).conj(), torch.rand(3, dtype=torch.complex64).conj().imag):
            with self.subTest(shape=tuple(value.shape), stride=value.stride()):
                self.assert_kept({"value": value})

    def test_views_of_a_tensor_that_is_there_share_its_storage(self):
        base = torch.rand(4, 6)
        read = self.copied({"view": base[1:3], "base": base, "transposed": base.t(), "column": base[:, 2]})
        read["base"].zero_()
        self.assertEqual(sum(float(each.abs().sum()) for each in read.values()), 0)
        self.assertEqual(read["column"].stride(), (6,))

    def test_a_slice_takes_the_place_of_a_slice(self):
        self.assert_kept(torch.rand(1000000)[500:510])
        self.assertLess(os.path.getsize(self.target), 4096)

    def test_numbers_and_text(self):
        self.assert_kept([0, -1, 255, 256, 65536, -2**31, 2**31, 2**63 - 1, -2**63, 0.1, math.inf, math.nan, -0.0, True, False,
                          None, "", "caf\u00e9 \U0001f600", "x" * 100000, [], (), {}, (1,), (1, 2, 3, 4), [[[[]]]]])

    def test_keys_of_dicts(self):
        self.assert_kept({"a": 1, 2: "b", 0.5: None, False: []})

    def test_size_and_dtype(self):
        self.assertEqual(self.copied(torch.Size([2, 3])), (2, 3))
        self.assertEqual(self.copied([torch.float16]), ["torch.float16"])
        self.assertEqual(self.copied([torch.device("cuda:1"), torch.device("cpu")]),
                         [torch.device("cuda:1"), torch.device("cpu")])

    def test_empty_dict(self):
        self.assert_kept({})

    def test_large_lists(self):
        self.assert_kept({"loss": [0.5 * i for i in range(5000)], "by": {str(i): i for i in range(5000)}})

    def test_what_is_there_twice_is_there_twice(self):
        tensor, names = torch.rand(3), ["a"]
        read = self.copied([tensor, names, tensor, names])
        self.assertIs(read[0], read[2])
        self.assertIs(read[1], read[3])

    def test_later_protocols(self):
        value = {"w": torch.rand(2, 3), "a" * 300: ["b", "b", (1.5, True)]}
        for protocol in (3, 4, 5):
            torch.save(value, self.source, pickle_protocol=protocol)
            self.assertEqual(self.run_copy().returncode, 0)
            self.assert_same(torch.load(self.target, weights_only=True), value)

    def test_files_that_another_program_packed(self):
        torch.save({"w": torch.rand(3)}, self.source)
        packed = self.source + ".zip"
        with zipfile.ZipFile(self.source) as source, zipfile.ZipFile(packed, "w") as target:
            for record in source.infolist():
                target.writestr(record.filename, source.read(record))
        os.replace(packed, self.source)
        self.assertEqual(self.run_copy().returncode, 0)


class CallsSystem:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Refusals(PythonFileTest):
    def test_a_whole_module(self):
        torch.save(torch.nn.Linear(2, 1), self.source)
        self.assert_refused(self.source, "'torch.nn.modules.linear.Linear' is not allowed", "state_dict()")

    def test_a_call_of_the_system(self):
        touched = self.source + ".touched"
        torch.save({"w": CallsSystem(touched)}, self.source)
        self.assert_refused(self.source, "system' is not allowed", "nothing in it is executed")
        self.assertFalse(os.path.exists(touched))

    def test_a_file_of_old_pytorch(self):
        torch.save({"w": torch.rand(2)}, self.source, _use_new_zipfile_serialization=False)
        self.assert_refused(self.source, "before 1.6", "torch.save")

    def test_numbers_of_numpy(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("there is no NumPy")
        torch.save({"loss": numpy.float64(0.5)}, self.source)
        self.assert_refused(self.source, "multiarray.scalar' is not allowed", "numbers or tensors")

    def test_tensors_of_other_kinds(self):
        torch.save(torch.eye(2).to_sparse(), self.source)
        self.assert_refused("'torch._utils._rebuild_sparse_tensor' is not allowed")
        tensor = torch.rand(2)
        tensor.note = "x"
        torch.save(tensor, self.source)
        self.assert_refused("'torch._tensor._rebuild_from_type_v2' is not allowed")

    def test_a_scripted_module(self):
        torch.jit.script(torch.nn.Linear(2, 1)).save(self.source)
        self.assert_refused(self.source, "TorchScript")

    def test_an_exported_program(self):
        program = torch.export.export(torch.nn.Linear(2, 1), (torch.rand(3, 2),))
        torch.export.save(program, self.source + "2")
        self.source += "2"
        self.assert_refused(self.source, "an exported program")

    def test_a_list_that_holds_itself(self):
        value = []
        value.append(value)
        torch.save(value, self.source)
        self.assert_refused("holds itself")

    def test_large_integers_bytes_and_sets(self):
        for value, word in ((2**64, "64 bits"), (b"x", "_codecs.encode"), ({1}, "set' is not allowed"),
                            (1j, "complex' is not allowed")):
            torch.save([value], self.source)
            self.assert_refused(self.source, word)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
