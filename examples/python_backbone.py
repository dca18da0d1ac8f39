# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Exports a backbone, has the C++ program beside this train it for two tasks, and opens the result.

    python3 examples/python_backbone.py build/dev/examples/python_backbone
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)

backbone = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, 3, stride=2), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
    torch.nn.Conv2d(8, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Dropout(0.1))
exported = torch.export.export(
    backbone, (torch.rand(4, 1, 16, 16),), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))

with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    torch.export.save(exported, folder / "backbone.pt2")
    before = {name: tensor.detach().clone() for name, tensor in backbone.named_parameters()}
    subprocess.run([sys.argv[1], folder / "backbone.pt2", folder / "trained.pt2", folder / "heads.safetensors"],
                   check=True)
    trained = torch.export.load(folder / "trained.pt2")
    weights = (folder / "heads.safetensors").read_bytes()

# A state dict for the very same module; load_state_dict wants all of it.
backbone.load_state_dict(trained.state_dict)
moved = max((tensor - before[name]).abs().max() for name, tensor in backbone.named_parameters())
header = json.loads(weights[8:8 + struct.unpack("<Q", weights[:8])[0]])  # or safetensors.torch.load_file
heads = [name for name in header if name.startswith("tasks.")]
print(f"back in Python: the backbone moved by up to {moved:.2f}; heads: {', '.join(sorted(heads))}")
