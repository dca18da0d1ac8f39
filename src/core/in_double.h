// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::detail {

/// Whether tensors of double can be there: Apple's devices have none.
bool has_double(const at::Device& device);

/// Double, or float where the device has none.
at::ScalarType widest_float(const at::Device& device);

/// The tensor, on the host where its device has no double.
at::Tensor where_double_is(const at::Tensor& tensor);

/// The same in double.
at::Tensor in_double(const at::Tensor& tensor);

/// Waits for a device.
double sum_in_double(const at::Tensor& tensor);

} // namespace polytask::detail
