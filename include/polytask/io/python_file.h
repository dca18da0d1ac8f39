// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <torch/ordered_dict.h>

#include <string>

#include <polytask/core/api.h>

namespace polytask::io {

/// What a file of Python's `torch.save` holds: dicts in their order (a
/// GenericDict; OrderedDict and Counter are dicts, too), lists, tuples (and
/// torch.Size), tensors, int, float, str, bool, None, devices; a dtype is its
/// name, "torch.float32". Keys of dicts are text or numbers.
///
///     auto file = io::read_python("checkpoint.pt").toGenericDict();
///     auto epoch = file.at("epoch").toInt();
///     auto weights = io::tensors_of(file.at("model"));
///
/// Nothing in the file is executed: it may name torch's functions that rebuild
/// tensors and no others, and takes no more memory than a multiple of its
/// length. Tensors are on the CPU, wherever they were, with the file's dtypes,
/// strides and offsets, and share memory where they did in Python. Parameters
/// are plain tensors without gradients; what else Python hung on tensors and
/// dicts (a state dict's `_metadata`) is dropped. As in PyTorch, checksums are
/// not compared.
///
/// Throws `c10::ValueError` that names the file: if it cannot be read; if it is
/// cut or damaged, compressed, or of a big-endian machine; if it names anything
/// that is not allowed (a pickled module, NumPy's numbers, sparse or quantized
/// tensors), by its full name; if a tensor lies beyond its storage; if a list
/// holds itself, or more than 200 are one in another; if an int has more than
/// 64 bits; if it is of another kind: older than PyTorch 1.6, TorchScript or
/// `torch::save`, an exported program.
POLYTASK_API c10::IValue read_python(const std::string& path);

/// Writes what `torch.load(path, weights_only=True)` takes, with `mmap=True`,
/// too: dicts, lists and tuples of any types, one in another, of tensors, int,
/// float, text, bool, None and devices. Keys are text or numbers. A dict of
/// tensors is what `load_state_dict` takes.
///
/// Tensors are written as those of the CPU, without gradients. A storage is
/// written whole, once, if it is that of one of the tensors: all those that
/// look into it share it, as in Python. Of others, only the part that a tensor
/// needs is written, which only tensors of the very same part share: a slice of
/// a large buffer takes the slice's size.
///
/// The file is put in place when it is complete; whatever goes wrong, the old
/// one stays. Throws `c10::ValueError` that names the place in the value, as
/// in "value 'model' / 'w'", before anything is written: for undefined, sparse,
/// quantized and other tensors without plain memory, for what is none of the
/// above, for text that is not UTF-8, for a list that holds itself or more than
/// 200 one in another. Throws `c10::Error` if the file cannot be written.
POLYTASK_API void write_python(
    const std::string& path, const c10::IValue& value);

/// The tensors of a state dict by name, in its order, as `read_python` gives
/// it. Throws `c10::ValueError` that names the first key whose value is no
/// tensor: of a checkpoint, pass the state dict alone.
POLYTASK_API torch::OrderedDict<std::string, at::Tensor> tensors_of(
    const c10::IValue& state_dict);

} // namespace polytask::io
