// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/intrusive_ptr.h>
#include <torch/arg.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <polytask/core/api.h>
#include <polytask/core/communicator.h>

namespace c10d {
class Store;
} // namespace c10d

namespace polytask::distributed {

struct POLYTASK_API ProcessGroupOptions {
  /// How long a call waits for the other ranks.
  TORCH_ARG(std::chrono::milliseconds, timeout) = std::chrono::minutes(30);
  /// The address by which the other ranks reach this one, as a name or number;
  /// empty: that of the interface in the variable GLOO_SOCKET_IFNAME, else of
  /// this host's name.
  TORCH_ARG(std::string, host);
};

/// Processes by LibTorch's own c10d with gloo, for tensors on the CPU and, by
/// way of it, on an accelerator. Every rank makes it with a store that all of
/// them reach. Several in one store: each in a `c10d::PrefixStore` of its own.
///
/// Throws `c10::ValueError` on a rank outside of 0 to size - 1,
/// `c10::DistError` where the others do not come, and where LibTorch is built
/// without gloo.
POLYTASK_API std::shared_ptr<Communicator> from_store(
    const c10::intrusive_ptr<c10d::Store>& store,
    int64_t rank,
    int64_t size,
    const ProcessGroupOptions& options = {});

/// Processes that torchrun started, or what else sets RANK, WORLD_SIZE,
/// MASTER_ADDR and MASTER_PORT; else those of Slurm's srun (SLURM_PROCID,
/// SLURM_NTASKS) or Open MPI's mpirun (OMPI_COMM_WORLD_RANK and _SIZE), with
/// the same two for the address. Rank 0 keeps the store, but under torchrun,
/// whose agent does. One process by itself where no variable tells of more.
///
/// Throws `c10::ValueError`, by name, on a variable that is missing or is no
/// number in its range, and what `from_store` throws.
POLYTASK_API std::shared_ptr<Communicator> from_environment(
    const ProcessGroupOptions& options = {});

} // namespace polytask::distributed
