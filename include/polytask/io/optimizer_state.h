// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>

#include <polytask/core/api.h>

namespace torch::nn {
class Module;
} // namespace torch::nn
namespace torch::optim {
class Optimizer;
} // namespace torch::optim

namespace polytask::io {

/// What `optimizer.state_dict()` gives in Python for the same optimizer, for
/// `write_python`; Python's `optimizer.load_state_dict` takes it.
///
/// The optimizer is an SGD, Adam or AdamW, LibTorch's or a fused one; `module`
/// gives its parameters their names, which stand in the groups' "param_names"
/// as those of an optimizer made from `named_parameters()`. Of several names of
/// a tied parameter it is the first. Python goes by the order of groups and
/// parameters and does not look at the names.
///
/// A parameter that was never stepped has no state. Options that LibTorch lacks
/// have Python's defaults. Tensors are the optimizer's own, as in Python: a
/// later step changes them. Waits for the device where a FusedAdam or
/// FusedAdamW counts its steps there.
///
/// Throws `c10::ValueError` on other kinds of optimizers, and on a parameter
/// that is not the module's or stands in the optimizer twice.
///
/// ```cpp
/// io::write_python(
///     "adam.pt", io::optimizer_state_dict(training.optimizer(), *model));
/// ```
POLYTASK_API c10::IValue optimizer_state_dict(
    const torch::optim::Optimizer& optimizer, const torch::nn::Module& module);

/// Takes over what Python's `optimizer.state_dict()` gave, as `read_python`
/// reads it: the state of each parameter and the options of each group.
///
/// Where the groups have "param_names" (an optimizer made from
/// `named_parameters()`, PyTorch 2.6 or later, or `optimizer_state_dict`),
/// parameters are found by their names in `module`, whatever their order and
/// groups; a tied parameter has any of its names. Those of one group of
/// `optimizer` must then have equal options in the state dict, and a group
/// without parameters keeps its own. Where there are no names, the order of
/// groups and parameters counts.
///
/// States become copies of the parameter's dtype, device and layout. A
/// parameter without state in the state dict has none afterwards. Numbers may
/// be tensors of one element. What changes no result (foreach, fused,
/// capturable, differentiable) and keys of groups that are no options of the
/// kind, as a scheduler's, are passed over. A polytask scheduler sets its own
/// rates again at its next step. CUDA graphs that hold the state are to be
/// recorded anew.
///
/// Throws `c10::ValueError`, with nothing changed: on other kinds of optimizers
/// and what `optimizer_state_dict` refuses; on what is no such state dict, or
/// that of another kind; if names are missing or unexpected, all of which it
/// lists, or numbers of groups or parameters differ; on states of another
/// shape, of numbers that are not floating-point or complex as the parameter
/// is, or incomplete; on options out of LibTorch's range; on `maximize`; on an
/// AdamW's weight decay for an Adam, and the reverse.
///
/// ```cpp
/// io::load_optimizer_state_dict(
///     training.optimizer(), *model, io::read_python("adam.pt"));
/// ```
POLYTASK_API void load_optimizer_state_dict(
    torch::optim::Optimizer& optimizer,
    const torch::nn::Module& module,
    const c10::IValue& state_dict);

} // namespace polytask::io
