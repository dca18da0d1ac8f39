// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace polytask::testing {

/// Host memory that LibTorch takes for the device `cuda:0`, on a build without
/// CUDA: tensors of it and of the host cannot be mixed, `is_cuda()` is true,
/// and what the library does on an accelerator runs. It shows neither kernels
/// nor streams, graphs or speed: every operator is the CPU's.
///
/// It is asked for by the environment variable POLYTASK_STAND_IN_DEVICE: `1`,
/// or `no_float64` for a device that refuses double, as Apple's do. A process
/// that has registered it cannot go back.
class StandInDevice {
 public:
  /// Registers what the environment asks for, unless there is a real device.
  static void register_if_asked();
  static bool is_registered();
  static bool has_float64();

  /// How often values went from the device to the host since the last call,
  /// each of which is a wait on a real device.
  static int64_t take_copies_to_host();
};

} // namespace polytask::testing
