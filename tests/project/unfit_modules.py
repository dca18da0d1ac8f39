# SPDX-FileCopyrightText: 2026 the polytask authors
# SPDX-License-Identifier: BSD-3-Clause
"""Modules that cannot be a network: one readable compile error each, which says what to write."""
import argparse
import re
import subprocess
import sys

PROGRAM = """
#include <polytask/model/multi_task_model.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/task/losses/mse.h>
#include <torch/nn/modules/rnn.h>

struct TwoArgumentsImpl : torch::nn::Module {
  torch::Tensor forward(torch::Tensor a, torch::Tensor b) { return a + b; }
};
struct NoForwardImpl : torch::nn::Module {};

int main() {
  torch::nn::LSTM lstm(3, 8);
  polytask::MultiTaskModel model{lstm};
  polytask::HardSharing sharing(torch::nn::GRU(3, 8));
  model->add_task("a", polytask::Task(std::make_shared<TwoArgumentsImpl>(), polytask::MSELoss()));
  polytask::Network network{std::make_shared<NoForwardImpl>()};
}
"""
UNFIT = ("LSTM", "GRU", "TwoArguments", "NoForward")
HINTS = ("torch::Tensor forward(torch::Tensor input)", "forward(const polytask::Inputs& inputs)", "docs/inputs.md")

parser = argparse.ArgumentParser()
parser.add_argument("--cxx", required=True)
parser.add_argument("--include", required=True, help="folders, separated by ;")
args = parser.parse_args()

command = [args.cxx, "-std=c++20", "-fsyntax-only", "-w", "-x", "c++", "-"]
for folder in filter(None, args.include.split(";")):
    command[1:1] = ["-isystem", folder]
compiled = subprocess.run(command, input=PROGRAM, text=True, capture_output=True)
errors = [line for line in compiled.stderr.splitlines() if re.search(r"\berror:", line)]
if (compiled.returncode == 0 or len(errors) != len(UNFIT)
        or any(hint not in line for hint in HINTS for line in errors)
        or any(name not in compiled.stderr for name in UNFIT)):
    sys.exit(f"expected one error for each of {UNFIT} with {HINTS}, but got:\n{compiled.stderr}")
